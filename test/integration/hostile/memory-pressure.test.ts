/**
 * Results and COPY data of a gigabyte each, of PostgreSQL itself, twenty at a time, towards those who do
 * not take them: the pooler keeps a few hundred kilobytes of each, and the others do not notice.
 * Fifty at a time, and single messages of a gigabyte: `gigabytes.test.ts`.
 */

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Client } from "pg";
import { ByteWriter } from "../../../src/wire/byte-writer.ts";
import { writeCopyData } from "../../../src/wire/frontend/copy-data.ts";
import { writeQuery } from "../../../src/wire/frontend/query.ts";
import { eventually } from "../../support/eventually.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { SpawnedPooler } from "../../support/spawned-pooler.ts";
import { TLS_FIXTURES } from "../../support/tls-fixtures.ts";
import { TEST_WORKERS } from "../../support/workers.ts";
import { WireClient } from "../chaos/wire-client.ts";

const STREAMS = 20;
const KILOBYTE = 1024;
const MEGABYTE = 1024 ** 2;
const GIGABYTE = 1024 ** 3;

/** A window, with whoever is to read it, and with whoever has written more. */
const LINK_BYTES_MAX = TEST_WORKERS === 1 ? 0 : 2 * 256 * KILOBYTE;

/** Of the pooler's resident memory, for each stream that stands; and once, for what its runtime keeps in stock. */
const STREAM_BYTES_MAX = 300 * KILOBYTE + LINK_BYTES_MAX;
const STOCK_BYTES_MAX = 40 * MEGABYTE;

const LATENCY_MAX_MS = 1000;

/** What a client has sent goes on to an owner elsewhere for as long as that takes it, also when the client is gone. */
const GONE_MAX_MS = TEST_WORKERS === 1 ? 10_000 : 30_000;
const COPY_CHUNK_BYTES = 64 * KILOBYTE;

const GIGABYTE_OF_ROWS = "select repeat('x', 1000) from generate_series(1, 1073742)";
/** PostgreSQL itself holds this one whole, several times. */
const ONE_LARGE_ROW = "select repeat('x', 100000000)";

let postgres: TestPostgres;
let pooler: SpawnedPooler;
let neighbour: Client;
let residentBefore = 0;
/** Those of the present test, and how each is cut off. */
const cuts: (() => void)[] = [];

beforeAll(async () => {
  postgres = await startPostgres({ settings: { work_mem: "1MB" } });
  await postgres.query("create table slow (line text)");
  await postgres.query(
    "create function dawdle() returns trigger language plpgsql as " +
      "$$ begin perform pg_sleep(1000); return new; end $$",
  );
  await postgres.query(
    "create trigger dawdle before insert on slow for each row execute function dawdle()",
  );
  pooler = await SpawnedPooler.start(postgres, {
    env: {
      GLOBAL_DOWNSTREAM_CERT_PATH: TLS_FIXTURES.server.certificate,
      GLOBAL_DOWNSTREAM_KEY_PATH: TLS_FIXTURES.server.key,
    },
    tenant: { default_pool_size: STREAMS + 1, default_max_clients: 2 * STREAMS },
  });
});

beforeEach(async () => {
  neighbour = new Client(pooler.target());
  await neighbour.connect();
  await pooler.report();
  residentBefore = pooler.residentBytes;
});

/** All are cut off and gone, and so is what they asked for. */
afterEach(async () => {
  for (const cutOff of cuts.splice(0)) cutOff();
  await eventually(
    async () => expect(await pooler.report()).toMatchObject({ clients: 1 }),
    GONE_MAX_MS,
  );
  await eventually(async () => expect(await busyBackends("")).toBe(0));
  await neighbour.end();
  expect(await pooler.report()).toMatchObject({ desyncTotal: 0, internalErrorsTotal: 0 });
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

test.each([
  ["many rows", GIGABYTE_OF_ROWS, STREAMS],
  ["one row", ONE_LARGE_ROW, 2],
] as const)(
  "holds little of results in %s for clients that stop reading",
  async (_how, sql, count) => {
    const clients = await connected(count);
    const writer = new ByteWriter();
    writeQuery(writer, sql);
    const query = writer.take();
    for (const client of clients) {
      client.stopReading();
      client.send(query);
    }
    await eventually(async () => expect(await busyBackends("ClientWrite")).toBe(count));
    await expectNeighboursServed();
    await expectLittleHeld(count);
  },
  60_000,
);

test("holds little of a gigabyte for clients that stop reading inside TLS", async () => {
  const clients = Array.from(
    { length: STREAMS },
    () => new Client({ ...pooler.target(), ssl: { ca: readFileSync(TLS_FIXTURES.ca) } }),
  );
  await Promise.all(
    clients.map(async (client) => {
      client.on("error", () => {}); // they are cut off in the end
      await client.connect();
      cuts.push(() => client.connection.stream.destroy());
    }),
  );
  await pooler.report();
  residentBefore = pooler.residentBytes;
  const answers = clients.map(async (client) => {
    const answer = client.query(GIGABYTE_OF_ROWS);
    client.connection.stream.pause();
    await answer.catch(() => {});
  });
  await eventually(async () => expect(await busyBackends("ClientWrite")).toBe(STREAMS));
  await expectNeighboursServed();
  await expectLittleHeld(STREAMS);
  for (const client of clients) client.connection.stream.destroy();
  await Promise.all(answers);
}, 60_000);

test("takes no more COPY data from its clients than a slow server does", async () => {
  const clients = await connected(STREAMS);
  const writer = new ByteWriter();
  writeQuery(writer, "copy slow from stdin");
  const query = writer.take();
  for (const client of clients) client.send(query);
  await eventually(async () => expect(await busyBackends("ClientRead")).toBe(STREAMS));
  writeCopyData(writer, Buffer.from("a line\n".repeat(COPY_CHUNK_BYTES / 7)));
  const chunk = writer.take();
  let taken = 0;
  let before = -1;
  const unsent = clients.map(() => chunk);
  while (taken !== before) {
    before = taken;
    for (const [index, client] of clients.entries())
      taken += offerAll(client, chunk, unsent, index);
    // oxlint-disable-next-line no-await-in-loop -- a flow that stands has no event
    await Bun.sleep(100);
  }
  expect(taken).toBeLessThan(GIGABYTE);
  await expectNeighboursServed();
  await expectLittleHeld(STREAMS);
}, 60_000);

/** Sends chunk after chunk until the socket takes no more. Returns how many bytes it took. */
function offerAll(
  client: WireClient,
  chunk: Uint8Array,
  unsent: Uint8Array[],
  index: number,
): number {
  let taken = 0;
  for (;;) {
    const rest = unsent[index] ?? chunk;
    const count = client.offer(rest);
    taken += count;
    unsent[index] = count === rest.length ? chunk : rest.subarray(count);
    if (count < rest.length) return taken;
  }
}

async function connected(count: number): Promise<WireClient[]> {
  const clients = await Promise.all(
    Array.from({ length: count }, () => WireClient.connect(pooler.target())),
  );
  for (const client of clients) cuts.push(() => client.vanish());
  return clients;
}

/** Backends that run something, and wait for `event` unless that is empty. */
async function busyBackends(event: string): Promise<number> {
  const [row] = await postgres.query(
    "select count(*)::int as count from pg_stat_activity where backend_type = 'client backend' " +
      "and state = 'active' and pid <> pg_backend_pid() and (wait_event = $1 or $1 = '')",
    [event],
  );
  return Number(row?.["count"]);
}

async function expectNeighboursServed(): Promise<void> {
  for (let round = 0; round < 20; round += 1) {
    const started = performance.now();
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    expect((await neighbour.query("select $1::int as one", [round])).rows).toEqual([
      { one: round },
    ]);
    expect(performance.now() - started).toBeLessThan(LATENCY_MAX_MS);
  }
}

async function expectLittleHeld(streams: number): Promise<void> {
  await pooler.report();
  const grown = pooler.residentBytes - residentBefore;
  process.stdout.write(`${streams} streams: ${(grown / MEGABYTE).toFixed(1)} MB\n`);
  expect(grown).toBeLessThan(STOCK_BYTES_MAX + streams * STREAM_BYTES_MAX);
}
