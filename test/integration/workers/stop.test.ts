/**
 * Stopping a node whose clients are mostly served by other workers than those that they are connected to.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { query } from "../../support/frontend-messages.ts";
import { startPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";

/** That none of them lands on a worker that does not own the tenant happens once in 500 000 runs. */
const CLIENTS = 12;

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

test("a stop lets transactions end whose clients are connected to a worker that has nothing else to do", async () => {
  await using pooler = await startPooler(postgres, {
    workers: 3,
    tenant: { default_pool_size: CLIENTS },
  });
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, () => RawClient.connect(pooler.target())),
  );
  await Promise.all(clients.map((client) => client.run(query("begin"))));
  const stopped = pooler.pooler.stop(10_000);
  const endings = await Promise.all(
    clients.map(async (client) => {
      const worked = await client.run(query("select pg_sleep(0.1), 'done'"));
      const [committed] = await client.run(query("commit"));
      const [farewell] = await client.untilClosed();
      await client[Symbol.asyncDispose]();
      return [worked[1], committed, farewell?.slice(0, "ErrorResponse FATAL: 57P01".length)];
    }),
  );
  await stopped;
  for (const ending of endings)
    expect(ending).toEqual([
      'DataRow "" | "done"',
      "CommandComplete COMMIT",
      "ErrorResponse FATAL: 57P01",
    ]);
});
