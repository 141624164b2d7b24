/**
 * A client that has sent more than may wait here, and gets no server: it is refused, and read on.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { bind, execute, join, parse, query, sync } from "../../support/frontend-messages.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";

/** More than is kept of a client that waits. */
const LONG = "x".repeat(200_000);

let postgres: TestPostgres;
let pooler: TestPooler;

beforeAll(async () => {
  postgres = await startPostgres();
  pooler = await startPooler(postgres, {
    tenant: { default_pool_size: 1 },
    user: { pool_checkout_timeout: 300 },
  });
});
afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

const pipeline = join(parse("", "select length($1)"), bind("", [LONG]), execute(), sync);

test("a client that is refused a server with much behind its request is read on", async () => {
  await using holder = await RawClient.connect(pooler.target());
  await using client = await RawClient.connect(pooler.target());
  await holder.run(query("begin"));
  const refused = await client.run(pipeline);
  expect(refused).toEqual([expect.stringContaining("53300"), "ReadyForQuery I"]);
  await holder.run(query("commit"));
  expect(await client.run(pipeline)).toContain('DataRow "200000"');
});
