/**
 * The whole pooler, fuzzed through its port: random bytes and mutated sessions, before and after the
 * login. No mistake of ours, nothing left over, and a good client is served all the while.
 */

import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { Client } from "pg";
import { ByteWriter } from "../../../src/wire/byte-writer.ts";
import { writeBind } from "../../../src/wire/frontend/bind.ts";
import { writeCancelRequest } from "../../../src/wire/frontend/cancel-request.ts";
import { writeDescribe } from "../../../src/wire/frontend/describe.ts";
import { COPY_DONE, FLUSH, SYNC, TERMINATE } from "../../../src/wire/frontend/empty-requests.ts";
import { writeExecute } from "../../../src/wire/frontend/execute.ts";
import { writeParse } from "../../../src/wire/frontend/parse.ts";
import { writePasswordMessage } from "../../../src/wire/frontend/password-message.ts";
import { writeQuery } from "../../../src/wire/frontend/query.ts";
import { writeSASLInitialResponse } from "../../../src/wire/frontend/sasl-initial-response.ts";
import { writeSSLRequest } from "../../../src/wire/frontend/ssl-request.ts";
import { writeStartupMessage } from "../../../src/wire/frontend/startup-message.ts";
import { eventually } from "../../support/eventually.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres } from "../../support/postgres.ts";
import { TEST_WORKERS } from "../../support/workers.ts";
import { seededRandom } from "../chaos/seeded-random.ts";
import { ConnectionLostError, WireClient } from "../chaos/wire-client.ts";

const CONNECTIONS = 20_000;
const LANES = 50;
const MEGABYTE = 1024 ** 2;
/** Several workers are all in this process, and each has a heap's stock of its own to fill. */
const GROWTH_BYTES_MAX = (TEST_WORKERS === 1 ? 60 : 120) * MEGABYTE;
const TIMEOUT_MS = 300_000;

/** One connection in so many logs in before it misbehaves. */
const LOGIN_EVERY = 10;

type Random = () => number;

test(
  `survives ${CONNECTIONS} connections of nonsense, and serves a good client all the while`,
  async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    process.stdout.write(`seed ${seed}\n`);
    await using postgres = await startPostgres();
    await using pooler = await startPooler(postgres, {
      tenant: { default_pool_size: 5, default_max_clients: 1000 },
    });
    const good = new Client(pooler.target());
    good.on("error", () => {}); // what breaks rejects the query that it broke
    await good.connect();
    const random = seededRandom(seed);
    await misbehave(pooler, random, CONNECTIONS / 10); // whatever grows once has grown
    const before = { descriptors: descriptors(), rss: process.memoryUsage.rss() };
    const progress = { over: false };
    const lanes = misbehave(pooler, random, CONNECTIONS).finally(() => {
      progress.over = true;
    });
    let answered = 0;
    while (!progress.over) {
      const tag = `tag ${answered}`;
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const { rows } = await good.query("select $1::text as tag", [tag]);
      expect(rows).toEqual([{ tag }]);
      answered += 1;
    }
    await lanes;
    expect(answered).toBeGreaterThan(100);
    expect(pooler.pooler.counters.clientLoginsTotal).toBeGreaterThan(CONNECTIONS / LOGIN_EVERY);
    await eventually(() => expect(pooler.pooler.clients).toBe(1));
    await eventually(() => expect(descriptors()).toBeLessThan(before.descriptors + 10));
    Bun.gc(true);
    expect(process.memoryUsage.rss() - before.rss).toBeLessThan(GROWTH_BYTES_MAX);
    expect(pooler.pooler.counters).toMatchObject({ desyncTotal: 0, internalErrorsTotal: 0 });
    expect(pooler.lines.filter(({ level }) => level === "error")).toEqual([]);
    await good.end();
  },
  TIMEOUT_MS,
);

function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

async function misbehave(pooler: TestPooler, random: Random, connections: number): Promise<void> {
  let left = connections;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      // oxlint-disable-next-line no-await-in-loop -- one after the other in each lane
      if (left % LOGIN_EVERY === 0) await misbehaveInside(pooler, random);
      // oxlint-disable-next-line no-await-in-loop -- as above
      else await misbehaveOutside(pooler.portOf("transaction"), random);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** Before the login: sends, and is gone when something comes back, or in the middle of it all. */
async function misbehaveOutside(port: number, random: Random): Promise<void> {
  const bytes = random() < 0.3 ? noise(random, 400) : mutated(outsideSession(random), random);
  const patient = random() < 0.5;
  const closed = Promise.withResolvers<void>();
  await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      open(socket) {
        socket.write(bytes);
        if (patient) socket.end();
        else setImmediate(() => socket.terminate());
      },
      data() {},
      error() {},
      close() {
        closed.resolve();
      },
    },
  });
  await closed.promise;
}

/** After a login that is right. */
async function misbehaveInside(pooler: TestPooler, random: Random): Promise<void> {
  const client = await WireClient.connect(pooler.target());
  const bytes = mutated(insideSession(random), random);
  const answer = client.exchange(bytes, 1).catch((error: unknown) => {
    if (!(error instanceof ConnectionLostError)) throw error;
  });
  if (random() < 0.5) await Promise.race([answer, Bun.sleep(5)]);
  client.vanish();
  await answer;
}

function noise(random: Random, lengthMax: number): Uint8Array {
  return Uint8Array.from({ length: Math.floor(random() * lengthMax) }, () => random() * 256);
}

/** Some bytes changed, cut out, doubled or put in; lengths are struck as often as anything. */
function mutated(bytes: Uint8Array, random: Random): Uint8Array {
  let result = Buffer.from(bytes);
  for (let times = Math.floor(random() * 4); times > 0 && result.length > 0; times -= 1) {
    const at = Math.floor(random() * result.length);
    const until = at + Math.floor(random() * 16);
    const [head, middle, tail] = [
      result.subarray(0, at),
      result.subarray(at, until),
      result.subarray(until),
    ];
    const dice = random();
    if (dice < 0.4) result.writeUInt8(Math.floor(random() * 256), at);
    else if (dice < 0.6) result = Buffer.concat([head, tail]);
    else if (dice < 0.8) result = Buffer.concat([head, middle, middle, tail]);
    else result = Buffer.concat([head, noise(random, 16), middle, tail]);
  }
  return random() < 0.3 ? result.subarray(0, Math.floor(random() * result.length)) : result;
}

function outsideSession(random: Random): Uint8Array {
  const writer = new ByteWriter();
  const dice = random();
  if (dice < 0.2) writeSSLRequest(writer);
  if (dice > 0.9)
    writeCancelRequest(writer, {
      processId: Math.floor(random() * 2 ** 20),
      secretKey: new Uint8Array(32),
    });
  writeStartupMessage(writer, {
    major: 3,
    minor: random() < 0.8 ? 0 : 2,
    parameters: [
      ["user", "postgres.dev"],
      ["database", "postgres"],
      ["options", "-c search_path=a,b -c statement_timeout=1s"],
    ],
    protocolOptions: [],
  });
  if (random() < 0.7)
    writeSASLInitialResponse(writer, "SCRAM-SHA-256", Buffer.from("n,,n=,r=abcdefgh"));
  if (random() < 0.5) writePasswordMessage(writer, "c=biws,r=abcdefgh,p=AAAA");
  if (random() < 0.5) writeQuery(writer, "select 1");
  return writer.take();
}

/** Of every kind of message one, in any order. */
function insideSession(random: Random): Uint8Array {
  const writer = new ByteWriter();
  const steps: readonly (() => void)[] = [
    () => writeQuery(writer, "select 'mine' from generate_series(1, 5)"),
    () => writeQuery(writer, "begin; select 1; commit"),
    () => writeQuery(writer, "copy (select 1) to stdout"),
    () => writeQuery(writer, "create temp table if not exists t (a text); copy t from stdin"),
    () => writeParse(writer, { statement: "s", query: "select $1::int", parameterTypeOids: [] }),
    () => writeParse(writer, { statement: "", query: "select $1::text", parameterTypeOids: [25] }),
    () => bind(writer, "s"),
    () => bind(writer, ""),
    () => writeDescribe(writer, { kind: "statement", name: "s" }),
    () => writeExecute(writer, "", Math.floor(random() * 3)),
    () => writer.bytes(SYNC),
    () => writer.bytes(FLUSH),
    () => writer.bytes(COPY_DONE),
    () => writer.bytes(random() < 0.1 ? TERMINATE : SYNC),
  ];
  for (let count = Math.floor(random() * 12); count >= 0; count -= 1)
    steps[Math.floor(random() * steps.length)]?.();
  writer.bytes(SYNC);
  return writer.take();
}

function bind(writer: ByteWriter, statement: string): void {
  writeBind(writer, {
    portal: "",
    statement,
    parameterFormats: [],
    parameters: ["1"],
    resultFormats: [],
  });
}
