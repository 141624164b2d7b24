/**
 * Servers that died in silence while they were idle, as behind a firewall that forgot them: no client
 * hears of it.
 */

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { Client } from "pg";
import type { Config } from "../../../src/config/settings.ts";
import { eventually } from "../../support/eventually.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";

const DELAY_MS = 300;
const EMPTY_QUERY = Buffer.from([0x51, 0, 0, 0, 5, 0]);

let postgres: TestPostgres;
let pooler: TestPooler;
let network: Server;
let lines: { readonly near: Socket; readonly far: Socket }[] = [];
let heard: Buffer[] = [];
const clients: Client[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});
beforeEach(async () => {
  lines = [];
  heard = [];
  network = createServer((near) => {
    const far = connect(postgres.port, "127.0.0.1");
    near.on("data", (bytes) => heard.push(Buffer.from(bytes))).on("error", () => {});
    far.on("error", () => {});
    near.pipe(far);
    far.pipe(near);
    lines.push({ near, far });
  }).listen(0, "127.0.0.1");
  await once(network, "listening");
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end().catch(() => null)));
  await pooler[Symbol.asyncDispose]();
  for (const { near, far } of lines) for (const socket of [near, far]) socket.destroy();
  network.close();
});

async function start(config: Partial<Config>): Promise<void> {
  const address = network.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  pooler = await startPooler(postgres, {
    config: { serverCheckDelayMs: DELAY_MS, serverConnectTimeoutMs: 1000, ...config },
    tenant: { default_pool_size: 1, db_port: port },
  });
}

async function newClient(options = ""): Promise<Client> {
  const client = new Client({ ...pooler.target(), options });
  clients.push(client);
  await client.connect();
  return client;
}

/** From now on nothing goes through the connections that stand, and nobody is told. */
function forgetConnections(): void {
  for (const { near, far } of lines) {
    near.unpipe(far);
    far.unpipe(near);
  }
}

function checks(): number {
  const all = Buffer.concat(heard);
  let found = 0;
  for (let at = all.indexOf(EMPTY_QUERY); at >= 0; at = all.indexOf(EMPTY_QUERY, at + 1))
    found += 1;
  return found;
}

test("gives a client another server for one that was idle and does not answer", async () => {
  await start({});
  const client = await newClient();
  await client.query("select 1");
  forgetConnections();
  await Bun.sleep(DELAY_MS + 50);
  expect((await client.query("select 2 as two")).rows).toEqual([{ two: 2 }]);
  await eventually(() => expect(lines.filter(({ near }) => !near.destroyed).length).toBe(1));
});

test("lets a client in whose settings a dead server was to judge", async () => {
  await start({});
  await (await newClient()).query("select 1");
  forgetConnections();
  await Bun.sleep(DELAY_MS + 50);
  const client = await newClient("-c search_path=elsewhere");
  expect((await client.query("show search_path")).rows).toEqual([{ search_path: "elsewhere" }]);
});

test("tries a server once that was idle for longer than the delay, and none that was not", async () => {
  await start({});
  const client = await newClient();
  for (let query = 0; query < 5; query += 1)
    // oxlint-disable-next-line no-await-in-loop -- one query after the other
    await client.query("select 1");
  expect(checks()).toBe(0);
  await Bun.sleep(DELAY_MS + 50);
  await client.query("select 1");
  expect(checks()).toBe(1);
});

test("tries every server where the delay is 0", async () => {
  await start({ serverCheckDelayMs: 0 });
  const client = await newClient();
  await client.query("select 1");
  await client.query("select 1");
  expect(checks()).toBe(2);
});

test.each([
  ["query", { queryTimeoutMs: 200 }],
  ["transaction", { transactionTimeoutMs: 200 }],
  ["idle client", { clientIdleTimeoutMs: DELAY_MS + 300 }],
])(
  "does not count the time of a try as the client's, whose %s time is short",
  async (_what, times) => {
    await start(times);
    const client = await newClient();
    await client.query("select 1");
    forgetConnections();
    await Bun.sleep(DELAY_MS + 50);
    expect((await client.query("select 2 as two")).rows).toEqual([{ two: 2 }]);
  },
);

test("tells a client that its server takes no settings, though not idle for long, and the next gets another", async () => {
  await start({ serverCheckDelayMs: 60_000 });
  const other = await newClient("-c search_path=elsewhere");
  const client = await newClient();
  await client.query("select 1");
  forgetConnections();
  other.on("error", () => {});
  const lost = await rejectionOf(other.query("show search_path"));
  expect(String(lost)).toMatch(/server closed the connection unexpectedly/);
  expect((await client.query("select 2 as two")).rows).toEqual([{ two: 2 }]);
});
