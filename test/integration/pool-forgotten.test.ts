/**
 * A pool in which nobody is left costs nothing any more.
 */

import { expect, test } from "bun:test";
import { Client } from "pg";
import { eventually } from "../support/eventually.ts";
import { startPooler } from "../support/pooler.ts";
import { startPostgres } from "../support/postgres.ts";

test("forgets a pool once its last client and its last server are gone", async () => {
  await using postgres = await startPostgres();
  await using pooler = await startPooler(postgres, { config: { serverIdleTimeoutMs: 200 } });
  const client = new Client(pooler.target());
  await client.connect();
  await client.query("select 1");
  expect(pooler.pooler.tenantsInUse).toBe(1);
  await client.end();
  await eventually(() => expect(pooler.pooler.tenantsInUse).toBe(0));
});
