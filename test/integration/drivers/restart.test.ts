/**
 * PostgreSQL goes away and comes back while clients of the pooler stay.
 */

import { expect, test } from "bun:test";
import { eventually } from "../../support/eventually.ts";
import { failureOf, type Row } from "./drivers.ts";
import { everywhere } from "./everywhere.ts";

everywhere("a restart of PostgreSQL", (place) => {
  test("is not noticed by idle clients of transaction mode, and clear to all others", async () => {
    const { postgres } = place.rig;
    await using idle = await place.connect();
    await using busy = await place.connect();
    await idle.prepared("select $1::int4 as n", [1]);
    await busy.simple("begin");
    await postgres.shutDown();
    await postgres.start();

    const lost = place.driver.reconnects ? /^fulfilled$/ : CONNECTION_LOST;
    expect(await failureOf(busy.simple("select 1"))).toMatch(lost);
    const failure = await failureOf(idle.prepared("select $1::int4 as n", [2]));
    expect(failure).toMatch(place.mode === "transaction" ? /^fulfilled$/ : lost);
  });

  test("lets in whoever comes after it", async () => {
    const { postgres } = place.rig;
    const clients = await Promise.all(Array.from({ length: 2 }, () => place.connect()));
    await Promise.all(clients.map((client) => client.simple("begin")));
    await postgres.shutDown();
    await postgres.start();
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
    await using fresh = await place.connect();
    expect(await fresh.prepared("select $1::int4 as n", [3])).toEqual([{ n: 3 }]);
  });

  test("is waited for by whoever asks in the meantime", async () => {
    const { postgres } = place.rig;
    await using client = await place.connect();
    // A session that had a server is gone with it; one that has asked for none yet is not.
    if (place.mode === "transaction") await client.simple("select 1");
    await postgres.shutDown();
    const answer = place.mode === "transaction" ? client.query(...ONE) : askAnew();
    await postgres.start();
    expect(await answer).toEqual([{ n: 1 }]);
  });

  async function askAnew(): Promise<readonly Row[]> {
    await using client = await place.connect();
    return await client.query(...ONE);
  }

  test("shows in PostgreSQL as no more servers than the pool may have", async () => {
    const count = place.mode === "transaction" ? 6 : 2;
    const clients = await Promise.all(Array.from({ length: count }, () => place.connect()));
    await Promise.all(clients.map((client) => client.simple("select 1")));
    await place.rig.postgres.shutDown();
    await place.rig.postgres.start();
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
    await using one = await place.connect();
    await using other = await place.connect();
    await Promise.all([one.simple("select 1"), other.simple("select 1")]);
    await eventually(async () => {
      const [row] = await place.rig.postgres.query(
        "select count(*)::int4 as n from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
      );
      expect(Number(row?.["n"])).toBeLessThanOrEqual(2);
    });
  });
});

/** PostgreSQL's own word at its shutdown, or what a driver says of a connection that was closed. */
const CONNECTION_LOST =
  /^(57P01|08006|CONNECTION_CLOSED|CONNECTION_ENDED|ECONNRESET|ERR_POSTGRES_CONNECTION_CLOSED|Client has encountered a connection error and is not queryable|Connection terminated.*)$/;

const ONE: [sql: string, values: readonly unknown[]] = ["select $1::int4 as n", [1]];
