/**
 * MAX_CONNECTIONS over three workers: the node's, whichever worker a client comes to.
 */

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { eventually } from "../../support/eventually.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";

const WORKERS = 3;
const MAX = 20;

let postgres: TestPostgres;
let pooler: TestPooler;
const clients: RawClient[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client[Symbol.asyncDispose]()));
  await pooler[Symbol.asyncDispose]();
});

async function start(): Promise<void> {
  const env = { MAX_CONNECTIONS: String(MAX) };
  pooler = await startPooler(postgres, { workers: WORKERS, env });
}

/** Logs in and stays; returns "in", or what it is told. */
async function logIn(): Promise<string> {
  try {
    clients.push(await RawClient.connect(pooler.target()));
    return "in";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

test("never lets in one more, when 60 race for 20 places", async () => {
  await start();
  expect(pooler.pooler.connectionsMax.clients).toBe(MAX);
  const outcomes = await Promise.all(Array.from({ length: 60 }, () => logIn()));
  expect(outcomes.filter((outcome) => outcome === "in").length).toBeLessThanOrEqual(MAX);
  for (const words of outcomes.filter((outcome) => outcome !== "in")) {
    expect(words).toContain("53300: sorry, too many clients already");
    expect(words).toContain(`the limit is ${MAX}.`);
  }
  await eventually(async () => {
    if (clients.length < MAX) await logIn();
    expect(clients.length).toBe(MAX);
  });
  expect(await logIn()).toContain(
    `This pooler has ${MAX} client connections; the limit is ${MAX}.`,
  );
});

test("lets in as many when they come one by one, each to whichever worker it likes", async () => {
  await start();
  for (let count = 0; count < MAX; count += 1)
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    expect(await logIn()).toBe("in");
  expect(await logIn()).toContain(`the limit is ${MAX}.`);
});

test("gives the place of a client that has left to the next one, at whichever worker", async () => {
  await start();
  for (let count = 0; count < MAX; count += 1)
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await logIn();
  for (let round = 0; round < 10; round += 1) {
    // oxlint-disable-next-line no-await-in-loop
    await clients.shift()?.[Symbol.asyncDispose]();
    // oxlint-disable-next-line no-await-in-loop
    await eventually(async () => expect(await logIn()).toBe("in"));
    // oxlint-disable-next-line no-await-in-loop
    expect(await logIn()).toContain(`the limit is ${MAX}.`);
  }
});
