/**
 * When a client that keeps its server has to go: by its idle time, by a stop of the pooler; and what a pool does
 * whose limits change while somebody is pinned.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { eventually } from "../../support/eventually.ts";
import { query } from "../../support/frontend-messages.ts";
import { startPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";
import { valueOf } from "./pin-rig.ts";

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
});

afterAll(() => postgres[Symbol.asyncDispose]());

const LOCK = query("select pg_advisory_lock(1)");

async function noLockIsLeft(): Promise<void> {
  await eventually(async () => {
    const rows = await postgres.query("select 1 from pg_locks where locktype = 'advisory'");
    expect(rows).toEqual([]);
  });
}

test("is idle between two transactions, not inside of one, and ends by that time with its pin", async () => {
  await using pooler = await startPooler(postgres, {
    tenant: { idle_transaction_timeout: 100, client_idle_timeout: 500 },
  });
  await using client = await RawClient.connect(pooler.target());
  await client.run(LOCK);
  const lines = await client.untilClosed();
  expect(lines).toEqual([expect.stringContaining("FATAL: 57P05"), "closed"]);
  await noLockIsLeft();
  expect(pooler.pooler.listPins()).toEqual([]);
});

test("is still ended inside of a transaction that it leaves idle", async () => {
  await using pooler = await startPooler(postgres, {
    tenant: { idle_transaction_timeout: 200 },
  });
  await using client = await RawClient.connect(pooler.target());
  await client.run(LOCK);
  await client.run(query("begin"));
  const lines = await client.untilClosed();
  expect(lines).toEqual([expect.stringContaining("FATAL: 25P03"), "closed"]);
  await noLockIsLeft();
});

test("is sent away by a stop: at once when it is at rest, else behind its transaction", async () => {
  await using pooler = await startPooler(postgres);
  await pooler.putTenant({ default_pool_size: 3, max_pins: 2 });
  await using idle = await RawClient.connect(pooler.target());
  await using busy = await RawClient.connect(pooler.target());
  await eventually(async () => expect(await valueOf(busy, "listen news")).toBe(""));
  await eventually(async () => expect(await valueOf(idle, "listen news")).toBe(""));
  await busy.run(query("begin"));
  const stopped = pooler.pooler.stop(10_000);
  expect(await idle.untilClosed()).toEqual([expect.stringContaining("FATAL: 57P01"), "closed"]);
  expect(await valueOf(busy, "select 'still there'")).toBe("still there");
  await busy.send(query("commit"));
  const lines = await busy.untilClosed();
  expect(lines.slice(0, 2)).toEqual(["CommandComplete COMMIT", "ReadyForQuery I"]);
  expect(lines.at(-2)).toContain("57P01");
  await stopped;
});

test("keeps its server when the limit falls below, and nobody else gets one", async () => {
  await using pooler = await startPooler(postgres);
  await using pinned = await RawClient.connect(pooler.target());
  await using other = await RawClient.connect(pooler.target());
  await pinned.run(query("create temp table mine as select 7 as n"));
  await pooler.putTenant({ default_pool_size: 2, max_pins: 0 });
  await eventually(async () => {
    const answer = await valueOf(other, "select pg_try_advisory_lock(2)");
    expect(answer).toContain("0A000");
  });
  expect(await valueOf(pinned, "select n from mine")).toBe("7");
  await pinned.run(query("drop table mine"));
  expect(await valueOf(pinned, "create temp table mine (n int)")).toContain("0A000");
});
