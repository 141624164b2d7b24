/**
 * Floods of what costs its sender nothing: CancelRequests with guessed keys, connections that say nothing,
 * logins half done, probes. The pooler is a process of its own: its memory and its descriptors are as
 * before when they are over, and its clients are served all the while.
 *
 * `CARPOOL_FULL_SIZE=1` makes them ten times as large.
 */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import type { Socket } from "bun";
import { ByteWriter } from "../../../src/wire/byte-writer.ts";
import { writeCancelRequest } from "../../../src/wire/frontend/cancel-request.ts";
import { writeGSSENCRequest } from "../../../src/wire/frontend/gssenc-request.ts";
import { writeSASLInitialResponse } from "../../../src/wire/frontend/sasl-initial-response.ts";
import { writeSSLRequest } from "../../../src/wire/frontend/ssl-request.ts";
import { writeStartupMessage } from "../../../src/wire/frontend/startup-message.ts";
import { eventually } from "../../support/eventually.ts";
import { query } from "../../support/frontend-messages.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { SpawnedPooler } from "../../support/spawned-pooler.ts";
import { TLS_FIXTURES } from "../../support/tls-fixtures.ts";
import { WireClient } from "../chaos/wire-client.ts";

const TIMES = process.env["CARPOOL_FULL_SIZE"] === "1" ? 10 : 1;
const CANCELS = 20_000 * TIMES;
const STANDING = 1000 * TIMES;
const PASSING = 3000 * TIMES;
const LANES = 50;
const KILOBYTE = 1024;
const MEGABYTE = 1024 ** 2;

/** What a connection that is not logged in may cost: a TLS session, if it has begun one. */
const CONNECTION_BYTES_MAX = 24 * KILOBYTE;
const STOCK_BYTES_MAX = 40 * MEGABYTE;
const TEST_TIMEOUT_MS = 60_000 * TIMES;

let postgres: TestPostgres;
let pooler: SpawnedPooler;
const clients: WireClient[] = [];
let before = { resident: 0, descriptors: 0 };

beforeAll(async () => {
  postgres = await startPostgres();
  pooler = await SpawnedPooler.start(postgres, {
    env: {
      GLOBAL_DOWNSTREAM_CERT_PATH: TLS_FIXTURES.server.certificate,
      GLOBAL_DOWNSTREAM_KEY_PATH: TLS_FIXTURES.server.key,
    },
    tenant: { default_pool_size: 5, default_max_clients: 100 },
  });
  for (let count = 0; count < 5; count += 1)
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    clients.push(await WireClient.connect(pooler.target()));
  await work(() => clients[0]?.exchange(query("select 1"), 1), 200); // whatever grows once has grown
});

beforeEach(async () => {
  await pooler.report();
  before = { resident: pooler.residentBytes, descriptors: pooler.descriptors };
});

afterEach(async () => {
  await eventually(async () => {
    const report = await pooler.report();
    expect(report).toMatchObject({ clients: 5, desyncTotal: 0, internalErrorsTotal: 0 });
    // The pool may have opened one more for each of the clients.
    expect(pooler.descriptors).toBeLessThanOrEqual(before.descriptors + 5);
    expect(pooler.residentBytes - before.resident).toBeLessThan(STOCK_BYTES_MAX);
  });
});

afterAll(async () => {
  for (const client of clients) client.vanish();
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

function built(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return writer.take();
}

function startup(user: string): Uint8Array {
  const parameters = [["user", user] as const];
  return built((writer) =>
    writeStartupMessage(writer, { major: 3, minor: 0, parameters, protocolOptions: [] }),
  );
}

/** With the process id of one of the clients, and another secret each time. */
function guessedCancel(index: number): Uint8Array {
  const secretKey = Buffer.alloc(index % 2 === 0 ? 4 : 32);
  secretKey.writeUInt32BE((index * 2_654_435_761) % 2 ** 32);
  const processId = clients[index % clients.length]?.processId ?? 0;
  return built((writer) => writeCancelRequest(writer, { processId, secretKey }));
}

const SSL = built(writeSSLRequest);
const GSS = built(writeGSSENCRequest);
const FIRST_RESPONSE = built((writer) =>
  writeSASLInitialResponse(writer, "SCRAM-SHA-256", Buffer.from("n,,n=,r=abcdefghijklmnop")),
);

describe("a flood of", () => {
  const PASSERS: Readonly<Record<string, () => Uint8Array>> = {
    "HTTP requests": () => Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
    "requests for TLS with a login glued behind": () =>
      Buffer.concat([SSL, startup("postgres.dev")]),
    "lengths that no packet has": () => Buffer.from("7fffffff", "hex"),
    "tenants that do not exist, with an answer that came too soon": () =>
      Buffer.concat([startup(`x.t${Math.random()}`), FIRST_RESPONSE, query("select 1")]),
  };

  test(
    `${CANCELS} CancelRequests with guessed keys cancels nothing`,
    async () => {
      await expectServedDuring(inLanes(CANCELS, (index) => passing(guessedCancel(index))));
      // The right one still does.
      const [client] = clients;
      const sleeping = client?.exchange(query("select pg_sleep(600)"), 1);
      await eventually(async () => {
        await client?.cancel(); // one that comes before the query does nothing
        expect(client?.busy).toBe(false);
      });
      expect((await sleeping)?.errors).toMatchObject([{ sqlstate: "57014" }]);
    },
    TEST_TIMEOUT_MS,
  );

  test.each(Object.entries(PASSERS))(
    `${PASSING} %s leaves nothing behind`,
    async (_what, bytes) => {
      await expectServedDuring(inLanes(PASSING, () => passing(bytes())));
    },
    TEST_TIMEOUT_MS,
  );
});

describe(`${STANDING} connections that`, () => {
  test.each<readonly [string, Uint8Array]>([
    ["say nothing", new Uint8Array(0)],
    ["say half a StartupMessage", startup("postgres.dev").subarray(0, 12)],
    ["begin TLS and no more", SSL],
    ["begin TLS at once and no more", Buffer.from("1603010200010001fc0303", "hex")],
    ["want GSSAPI and no more", GSS],
    ["stop before their proof", startup("postgres.dev")],
    ["stop in the middle of their proof", Buffer.concat([startup("postgres.dev"), FIRST_RESPONSE])],
  ])(
    "%s keep nobody out, and cost little",
    async (_what, bytes) => {
      const standing = await Promise.all(
        Array.from({ length: STANDING }, async () => {
          const socket = await connect(() => {});
          socket.write(bytes);
          return socket;
        }),
      );
      await eventually(() =>
        expect(pooler.descriptors).toBeGreaterThanOrEqual(before.descriptors + STANDING),
      );
      const newcomer = await WireClient.connect(pooler.target());
      const reply = await newcomer.exchange(query("select 'in'"), 1);
      expect(reply).toEqual({ values: ["in"], errors: [] });
      newcomer.vanish();
      await pooler.report();
      const grown = pooler.residentBytes - before.resident;
      expect(grown).toBeLessThan(STOCK_BYTES_MAX + STANDING * CONNECTION_BYTES_MAX);
      for (const socket of standing) socket.terminate();
    },
    TEST_TIMEOUT_MS,
  );
});

/** Each client asks for a value of its own, again and again, until `flood` is over. */
async function expectServedDuring(flood: Promise<void>): Promise<void> {
  const progress = { over: false };
  const ended = flood.finally(() => {
    progress.over = true;
  });
  const served = clients.map(async (client, index) => {
    let count = 0;
    do {
      const tag = `${index} ${count}`;
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const reply = await client.exchange(query(`select '${tag}' from pg_sleep(0.001)`), 1);
      expect(reply).toEqual({ values: [tag], errors: [] });
      count += 1;
    } while (!progress.over);
    return count;
  });
  await ended;
  expect(Math.min(...(await Promise.all(served)))).toBeGreaterThan(0);
}

/** Resolves when the other side has ended the connection, whatever it has said. */
async function passing(bytes: Uint8Array): Promise<void> {
  const closed = Promise.withResolvers<void>();
  const socket = await connect(() => closed.resolve());
  socket.write(bytes);
  await closed.promise;
}

/** @param onClosed the other side has ended the connection, which has left nothing of it in the kernel */
function connect(onClosed: () => void): Promise<Socket> {
  return Bun.connect({
    hostname: "127.0.0.1",
    port: pooler.target().port,
    socket: {
      data() {},
      end(socket) {
        socket.terminate();
      },
      error() {},
      close: onClosed,
    },
  });
}

async function inLanes(count: number, once: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      // oxlint-disable-next-line no-await-in-loop -- one after the other in each lane
      await once(next);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

async function work(once: () => Promise<unknown> | undefined, times: number): Promise<void> {
  for (let count = 0; count < times; count += 1)
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await once();
}
