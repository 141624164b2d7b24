/**
 * Clients that keep their servers, of a tenant that several workers own: all of these together keep no more than one
 * worker would let them.
 */

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import type { Client } from "pg";
import { PoolersOfANode } from "../../support/poolers-of-a-node.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";

const WORKERS = [0, 1, 2];

let postgres: TestPostgres;
let node: PoolersOfANode;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});
afterEach(async () => {
  await node[Symbol.asyncDispose]();
});

async function clientsAtAll(perWorker: number): Promise<Client[]> {
  const all = WORKERS.flatMap((worker) => Array.from({ length: perWorker }, () => worker));
  return Promise.all(all.map((worker) => node.connect(worker)));
}

/** Has each client keep its server. Returns "kept" for each that does, and what the others are told. */
function pin(clients: readonly Client[]): Promise<string[]> {
  return Promise.all(
    clients.map((client) =>
      client.query("create temp table mine (a int)").then(
        () => "kept",
        (error: unknown) => String(error),
      ),
    ),
  );
}

test.each([
  [2, 2],
  [3, 3],
  [5, 5],
  [null, 8],
])("max_pins of %p lets %d of them keep a server, wherever they are", async (max, kept) => {
  const fields = { default_pool_size: 9, owners: 3, max_pins: max };
  node = await PoolersOfANode.start(postgres, WORKERS.length, fields);
  const clients = await clientsAtAll(9);
  const outcomes = await pin(clients);
  expect(outcomes.filter((outcome) => outcome === "kept")).toHaveLength(kept);
  for (const outcome of outcomes.filter((other) => other !== "kept"))
    expect(outcome).toContain("too many clients keep a server");
});

test("who is refused is told what falls to its worker", async () => {
  const fields = { default_pool_size: 9, owners: 3, max_pins: 2 };
  node = await PoolersOfANode.start(postgres, WORKERS.length, fields);
  const clients = await clientsAtAll(2);
  const details = await Promise.all(
    clients.map((client) =>
      client.query("create temp table mine (a int)").then(
        () => "kept",
        ({ detail }: { detail: string }) => detail,
      ),
    ),
  );
  expect(
    details.filter((detail) => detail.includes("max_pins is 2; 0 of these fall")),
  ).toHaveLength(2);
});
