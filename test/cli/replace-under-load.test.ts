/**
 * A new version takes over while fifty clients work and come and go, and others do nothing but connect.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Client, DatabaseError } from "pg";
import { BlueFolder } from "./support/blue-folder.ts";

const TIMEOUT = "4s";
/** They work for a while, leave, and come back. */
const VISITORS = 30;
const QUERIES_OF_A_VISIT = 20;
/** They stay until they are told to leave. */
const REGULARS = 20;
/** They do nothing but connect. */
const CONNECTORS = 4;
const DEPLOYS = 2;

/** What a client is told whose pooler ends. */
const ADMIN_SHUTDOWN = "57P01";

let blue: BlueFolder;

beforeAll(async () => {
  blue = await BlueFolder.make();
});
afterAll(async () => {
  await blue[Symbol.asyncDispose]();
});

/** What has happened to all clients together. */
class Tally {
  queries = 0;
  connections = 0;
  farewells = 0;
  readonly failures: unknown[] = [];
  over = false;
}

/** A client that notes whether it was told that its pooler ends: between two queries that comes as an event. */
class Guest {
  farewell = false;
  readonly client: Client;

  constructor(port: number) {
    this.client = new Client(blue.account(port));
    this.client.on("error", (error) => this.hear(error));
  }

  hear(error: unknown): void {
    if (error instanceof DatabaseError && error.code === ADMIN_SHUTDOWN) this.farewell = true;
  }
}

/** Connects, works, leaves, and comes back. */
async function comeAndGo(port: number, queries: number, tally: Tally): Promise<void> {
  while (!tally.over) {
    const guest = new Guest(port);
    try {
      // oxlint-disable-next-line no-await-in-loop -- one connection after the other
      await guest.client.connect();
      tally.connections += 1;
    } catch (error) {
      tally.failures.push(error);
      continue;
    }
    // oxlint-disable-next-line no-await-in-loop -- one connection after the other
    await work(guest, queries, tally);
  }
}

async function work(guest: Guest, queries: number, tally: Tally): Promise<void> {
  try {
    for (let made = 0; made < queries && !tally.over; made += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one query after the other
      const { rows } = await guest.client.query("select $1::int as mine", [made]);
      if (rows[0]?.mine !== made) tally.failures.push(new Error("another one's answer"));
      tally.queries += 1;
    }
    await guest.client.end();
  } catch (error) {
    guest.hear(error);
    if (guest.farewell) tally.farewells += 1;
    else tally.failures.push(error);
  }
}

describe("carpool start --replace, under load,", () => {
  test("fails no connection and no query, and sends nobody away", async () => {
    let running = await blue.start(TIMEOUT);
    const port = Number(/"transaction":(\d+)/.exec(running.out)?.[1]);
    const tally = new Tally();
    const crowd = (size: number, queries: number) =>
      Array.from({ length: size }, () => comeAndGo(port, queries, tally));
    const everybody = [
      ...crowd(VISITORS, QUERIES_OF_A_VISIT),
      ...crowd(REGULARS, Number.POSITIVE_INFINITY),
      ...crowd(CONNECTORS, 0),
    ];
    try {
      for (let deploy = 0; deploy < DEPLOYS; deploy += 1) {
        // oxlint-disable-next-line no-await-in-loop -- one deploy after the other
        const next = await blue.start(TIMEOUT, "--replace");
        // oxlint-disable-next-line no-await-in-loop -- one deploy after the other
        expect(await running.finished()).toMatchObject({ exitCode: 0, error: "" });
        running = next;
      }
    } finally {
      tally.over = true;
      await Promise.all(everybody);
      await running[Symbol.asyncDispose]();
    }
    expect(tally.failures).toEqual([]);
    expect(tally.farewells).toBe(0); // all of them are handed over
    expect(tally.connections).toBeGreaterThan(VISITORS + REGULARS + CONNECTORS);
    expect(tally.queries).toBeGreaterThan(VISITORS * QUERIES_OF_A_VISIT);
  });
});
