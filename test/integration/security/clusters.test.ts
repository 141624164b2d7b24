/**
 * A client of `user.cluster.ALIAS` is led to the tenant of the cluster that takes writes.
 */

import { expect, test } from "bun:test";
import { Client } from "pg";
import { eventually } from "../../support/eventually.ts";
import { startPooler } from "../../support/pooler.ts";
import { startPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";

test("leads to the first active writer, follows a change, and is nobody where none is active", async () => {
  await using postgres = await startPostgres();
  await using pooler = await startPooler(postgres);
  for (const name of ["one", "two"]) {
    // oxlint-disable-next-line no-await-in-loop -- two
    await postgres.query(`create role ${name} login password '${postgres.password}'`);
    // oxlint-disable-next-line no-await-in-loop -- two
    await pooler.putTenant({ external_id: name }, { db_user: name, db_user_alias: "postgres" });
  }
  const put = (one: boolean, active = true) =>
    pooler.store.clusters.put({
      alias: "main",
      active,
      cluster_tenants: [
        { type: "read", active: true, tenant_external_id: "two" },
        { type: "write", active: one, tenant_external_id: "one" },
      ],
    });
  const ask = async (): Promise<string> => {
    const client = new Client(pooler.target("transaction", "cluster.main"));
    await client.connect();
    try {
      const { rows } = await client.query("select current_user as name");
      return rows[0].name;
    } finally {
      await client.end();
    }
  };
  await put(true);
  await eventually(async () => expect(await ask()).toBe("one"));
  await put(false);
  await eventually(async () => expect(await ask()).toBe("two"));
  await put(true, false);
  await eventually(async () => expect(await rejectionOf(ask())).toMatchObject({ code: "28P01" }));
});
