/**
 * Servers that lie. Whatever a tenant's server sends, its own clients get a clear error, it is let go of,
 * and the neighbours do not notice. Names of PgBouncer's CVEs stand where one was the reason.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { Client } from "pg";
import { writeAuthenticationOk } from "../../../src/wire/backend/authentication-ok.ts";
import { writeAuthenticationSASL } from "../../../src/wire/backend/authentication-sasl.ts";
import { writeAuthenticationSASLContinue } from "../../../src/wire/backend/authentication-sasl-continue.ts";
import { writeParameterStatus } from "../../../src/wire/backend/parameter-status.ts";
import { ByteWriter } from "../../../src/wire/byte-writer.ts";
import { FRONTEND } from "../../../src/wire/message-type.ts";
import { eventually } from "../../support/eventually.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";
import {
  done,
  type FakeBehaviour,
  FakePostgres,
  type FakeSession,
  message,
  oneRow,
  welcome,
} from "./fake-postgres.ts";

const CONNECT_TIMEOUT_MS = 300;
const MEGABYTE = 1024 ** 2;
const INT32_MAX = 0x7fff_ffff;

let postgres: TestPostgres;
let pooler: TestPooler;
let neighbour: Client;
let tenants = 0;

beforeAll(async () => {
  postgres = await startPostgres();
  pooler = await startPooler(postgres, {
    config: {
      serverConnectTimeoutMs: CONNECT_TIMEOUT_MS,
      serverLoginRetryMs: 100,
      cancelWaitTimeoutMs: 500,
    },
  });
  neighbour = new Client(pooler.target());
  await neighbour.connect();
});

/** Whatever the test has done: the neighbour is served, by a pooler that made no mistake. */
afterEach(async () => {
  expect((await neighbour.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  expect(pooler.pooler.counters.internalErrorsTotal).toBe(0);
  expect(pooler.lines.filter(({ message: text }) => text.includes("handler threw"))).toEqual([]);
});

afterAll(async () => {
  await neighbour.end();
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

/** A tenant whose server is `fake`, and a client of it that is not yet connected. */
async function clientOf(fake: FakePostgres): Promise<Client> {
  tenants += 1;
  const tenant = `hostile-${tenants}`;
  await pooler.putTenant({ external_id: tenant, db_port: fake.port, default_pool_size: 1 });
  const client = new Client(pooler.target("transaction", tenant));
  client.on("error", () => {}); // what breaks rejects the call that it broke
  return client;
}

function built(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return writer.take();
}

const OK = built(writeAuthenticationOk);
const SASL = built((writer) => writeAuthenticationSASL(writer, ["SCRAM-SHA-256"]));

function sayAtStartup(bytes: Uint8Array): FakeBehaviour {
  return { onStartup: (session) => session.send(bytes) };
}

/** Offers SCRAM and then says `serverFirst`; `R` stands for the client's nonce. */
function scramWith(serverFirst: string): FakeBehaviour {
  return {
    onStartup: (session) => session.send(SASL),
    onMessage: (session, type, bytes) => {
      if (type !== FRONTEND.PasswordMessage) return;
      const nonce = /r=([^,]+)/.exec(Buffer.from(bytes).toString("latin1"))?.[1] ?? "";
      const data = Buffer.from(serverFirst.replace("R", nonce));
      session.write((writer) => writeAuthenticationSASLContinue(writer, data));
    },
  };
}

/** Sends `next()` for ever. */
function floodAtStartup(next: () => Uint8Array, before: Uint8Array = OK): FakeBehaviour {
  return {
    onStartup: (session) => {
      session.send(before);
      session.flood(next);
    },
  };
}

function parameters(from: number): Uint8Array {
  return built((writer) => {
    for (let index = 0; index < 100; index += 1)
      writeParameterStatus(writer, `name ${from}.${index}`, "x".repeat(1000));
  });
}

function counter(): () => number {
  let count = 0;
  return () => {
    count += 1;
    return count;
  };
}

describe("a server that misbehaves in its login", () => {
  const count = counter();
  const NOTICES = Buffer.concat(Array.from({ length: 200 }, () => message("N", "SNOTICE\0\0")));
  test.each<readonly [string, FakeBehaviour]>([
    ["says nothing", { onStartup() {} }],
    ["closes without a word", { onStartup: (session) => session.close() }],
    ["sends notices without end", floodAtStartup(() => NOTICES)],
    ["sends parameters without end", floodAtStartup(() => parameters(count()))],
    ["sends bytes that are nothing", sayAtStartup(Buffer.alloc(100_000, 0x58))],
    ["announces 2 GB (CVE-2026-6668)", sayAtStartup(message("R", "\0\0\0\0", INT32_MAX))],
    ["announces -1 bytes (CVE-2026-6664)", sayAtStartup(message("R", "\0\0\0\0", -1))],
    ["announces no length", sayAtStartup(message("R", "\0\0\0\0", 0))],
    [
      "announces a SASL message beyond the limit",
      sayAtStartup(message("R", "\0\0\0\n", 1_000_000)),
    ],
    ["sends an Authentication without a kind", sayAtStartup(message("R", ""))],
    ["sends an Authentication of an unknown kind", sayAtStartup(message("R", "\0\0\0c"))],
    ["asks for a password in the clear", sayAtStartup(message("R", "\0\0\0\x03"))],
    ["is ready before anybody is authenticated", sayAtStartup(message("Z", "I"))],
    ["sends a row", sayAtStartup(Buffer.concat([OK, message("D", "\0\0")]))],
    ["sends a key without a secret", sayAtStartup(Buffer.concat([OK, message("K", "\0")]))],
    ["sends a parameter without its end", sayAtStartup(Buffer.concat([OK, message("S", "name")]))],
    ["refuses without any field (CVE-2026-6666)", sayAtStartup(message("E", "\0"))],
    ["refuses with an empty body", sayAtStartup(message("E", ""))],
    ["refuses without a SQLSTATE (CVE-2026-6666)", sayAtStartup(message("E", "SFATAL\0Mno\0\0"))],
    ["refuses with a SQLSTATE of one letter", sayAtStartup(message("E", "SFATAL\0Cx\0Mno\0\0"))],
    ["refuses with unended fields", sayAtStartup(message("E", "SFATAL\0C08006"))],
    ["offers no SASL mechanism", sayAtStartup(message("R", "\0\0\0\n\0"))],
    [
      "offers SASL mechanisms that nobody knows",
      sayAtStartup(message("R", "\0\0\0\nX-SECRET\0\0")),
    ],
    ["offers SASL twice", sayAtStartup(Buffer.concat([SASL, SASL]))],
    [
      "challenges with a huge nonce (CVE-2026-6665)",
      scramWith(`r=R${"n".repeat(60_000)},s=AAAA,i=-1`),
    ],
    ["challenges with a huge salt (CVE-2026-6665)", scramWith(`r=Rx,s=${"A".repeat(60_000)},i=-1`)],
    ["asks for 2 billion iterations (CVE-2026-6669)", scramWith(`r=Rx,s=AAAA,i=${INT32_MAX}`)],
    ["asks for 10^30 iterations", scramWith(`r=Rx,s=AAAA,i=1${"0".repeat(30)}`)],
    ["asks for no iterations", scramWith("r=Rx,s=AAAA,i=0")],
    ["challenges with somebody else's nonce", scramWith("r=other,s=AAAA,i=4096")],
    ["challenges with the client's nonce alone", scramWith("r=R,s=AAAA,i=4096")],
    ["challenges without a salt", scramWith("r=Rx,s=,i=4096")],
    ["challenges with what is no SCRAM", scramWith("\0\0\0")],
    ["lets us in without its signature", skipsSignature()],
    ["challenges before it has offered SASL", sayAtStartup(message("R", "\0\0\0\x0br=x"))],
    ["ends a SASL that never began", sayAtStartup(message("R", "\0\0\0\x0cv=x"))],
  ])("that %s: its client is told, and it is let go of", async (_what, behaviour) => {
    using fake = new FakePostgres(behaviour);
    const client = await clientOf(fake);
    expect(await rejectionOf(client.connect())).toMatchObject({
      severity: "FATAL",
      code: expect.stringMatching(/^[0-9A-Z]{5}$/),
      message: expect.stringMatching(/\w/),
    });
    await eventually(() => expect(fake.open).toBe(0));
    expect(fake.sessions.length).toBeLessThan(10); // it is not asked again and again
  });
});

function skipsSignature(): FakeBehaviour {
  const behaviour = scramWith("r=Rx,s=AAAA,i=4096");
  return {
    ...behaviour,
    onMessage(session, type, bytes) {
      if (Buffer.from(bytes).includes("c=biws")) session.send(welcome(1));
      else behaviour.onMessage?.(session, type, bytes);
    },
  };
}

/** Lets the client in, and does `what` when it is asked for it. */
function whenAsked(what: (session: FakeSession) => void): FakeBehaviour {
  return {
    onQuery: (session, sql) => {
      if (sql === "provoke") what(session);
      return sql === "provoke";
    },
  };
}
function say(...what: readonly Uint8Array[]): FakeBehaviour {
  return whenAsked((session) => session.send(Buffer.concat(what)));
}

describe("a server that misbehaves when it is asked", () => {
  const count = counter();
  const ROWS = Buffer.concat(Array.from({ length: 100 }, () => message("D", "\0\x01\0\0\0\x01x")));

  test.each<readonly [string, FakeBehaviour]>([
    ["closes without a word", whenAsked((session) => session.close())],
    ["announces 2 GB of text", say(message("C", "", INT32_MAX))],
    ["announces -1 bytes", say(message("D", "", -1))],
    ["announces less than a header", say(message("Z", "", 3))],
    ["sends a type that does not exist", say(message("\x01", ""))],
    ["sends a message of the login", say(OK)],
    ["is ready with a status that does not exist", say(message("Z", "?"))],
    ["is ready with two statuses", say(message("Z", "II"))],
    ["is ready without a status", say(message("Z", ""))],
    ["is ready with a status of 1 GB", say(message("Z", "I", 0x3fff_ffff))],
    ["confirms a Parse that nobody sent", say(message("1", ""))],
    ["confirms a Bind that nobody sent", say(message("2", ""))],
    ["describes parameters that nobody has", say(message("t", "\0\0"))],
    ["sends a parameter without its end", say(message("S", "name"))],
    ["announces a parameter of 1 GB", say(message("S", "", 0x3fff_ffff))],
    ["dies without any field (CVE-2026-6666)", say(message("E", "VFATAL\0\0"))],
    [
      "sends parameters without end",
      whenAsked((session) => session.flood(() => parameters(count()))),
    ],
  ])("and %s: its client gets an error, not silence", async (_what, behaviour) => {
    using fake = new FakePostgres(behaviour);
    const client = await clientOf(fake);
    await client.connect();
    expect(await rejectionOf(client.query("provoke"))).toBeInstanceOf(Error);
    await eventually(() => expect(fake.open).toBe(0));
  });

  test.each<readonly [string, Uint8Array]>([
    ["a second ReadyForQuery", message("Z", "I")],
    ["a row that nobody asked for", message("D", "\0\x01\0\0\0\x06secret")],
    ["the end of a command that nobody sent", done("SELECT 1")],
    ["an answer to a Parse", message("1", "")],
    ["COPY data", message("d", "secret")],
    ["half a message", Buffer.from("D\0\0\0\x20\0\x01sec", "latin1")],
    ["an error that concerns nobody", message("E", "SERROR\0C22012\0Msecret\0\0")],
  ])("and sends %s behind the answer: nobody gets it", async (_what, surplus) => {
    using fake = new FakePostgres(say(oneRow("mine"), surplus));
    const client = await clientOf(fake);
    await client.connect();
    expect(await answerTo(client, "provoke")).not.toContain("secret");
    // The next one gets a server that is not the same.
    const next = new Client({
      ...pooler.target("transaction", `hostile-${tenants}`),
    });
    await next.connect();
    expect((await next.query("something else")).rows).toEqual([]);
    await next.end();
    const asked = fake.sessions.filter(({ queries }) => queries.includes("provoke"));
    expect(asked.every(({ queries }) => !queries.includes("something else"))).toBe(true);
    await client.end();
  });

  test("and answers a query of ours with rows without end: it is let go of", async () => {
    using fake = new FakePostgres({
      onQuery: (session, sql) => {
        if (sql.startsWith("SET ")) session.send(done("SET"));
        else if (sql.includes("pg_settings")) session.flood(() => ROWS);
        else return false;
        return true;
      },
    });
    const client = await clientOf(fake);
    await client.connect();
    await client.query("SET ROLE anybody");
    await eventually(() => expect(fake.open).toBe(0));
    await client.end();
  });

  test("and sends rows without end: they reach their asker at its own pace", async () => {
    let sent = 0;
    using fake = new FakePostgres(
      whenAsked((session) =>
        session.flood(() => {
          sent += ROWS.length;
          return ROWS;
        }),
      ),
    );
    const client = await clientOf(fake);
    await client.connect();
    const before = process.memoryUsage.rss();
    const { stream } = client.connection;
    const query = rejectionOf(client.query("provoke"));
    stream.pause();
    // The pipe fills: then nothing more is sent, however long one waits.
    let last = -1;
    while (last !== sent) {
      last = sent;
      // oxlint-disable-next-line no-await-in-loop -- a flow that stands has no event
      await Bun.sleep(200);
      // oxlint-disable-next-line no-await-in-loop -- meanwhile
      expect((await neighbour.query("select 2 as two")).rows).toEqual([{ two: 2 }]);
    }
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * MEGABYTE);
    stream.destroy();
    expect(await query).toBeInstanceOf(Error);
    await eventually(() => expect(fake.open).toBe(0));
  });
});

describe("a server that talks while nobody has it", () => {
  /** Leaves nothing behind that would have to be cleaned up. */
  const TIDY: FakeBehaviour = {
    onQuery: (session) => {
      session.send(done("INSERT 0 1"));
      return true;
    },
  };
  const NOTICE = message("N", `SNOTICE\0C00000\0M${"x".repeat(200)}\0\0`);

  test("and says half a message is let go of: its rest reaches nobody", async () => {
    using fake = new FakePostgres(TIDY);
    const client = await clientOf(fake);
    await client.connect();
    await client.query("first");
    fake.sessions[0]?.send(NOTICE.subarray(0, 20));
    await eventually(() => expect(fake.open).toBe(0));
    await client.query("second");
    expect(fake.sessions.map(({ queries }) => queries.at(-1))).toEqual(["first", "second"]);
    await client.end();
  });

  test("and says a whole message is kept", async () => {
    using fake = new FakePostgres(TIDY);
    const client = await clientOf(fake);
    await client.connect();
    await client.query("first");
    fake.sessions[0]?.send(NOTICE);
    await client.query("second");
    expect(fake.sessions.map(({ queries }) => queries.slice(-2))).toEqual([["first", "second"]]);
    await client.end();
  });

  test("and says half a message when it has tried a client's settings: the login goes on", async () => {
    using fake = new FakePostgres({
      onQuery: (session, sql) => {
        if (!sql.includes("set_config")) return false;
        session.send(Buffer.concat([done("SELECT 1"), NOTICE.subarray(0, 20)]));
        return true;
      },
    });
    const client = await clientOf(fake);
    const notices: unknown[] = [];
    client.on("notice", (notice) => notices.push(notice));
    await client.connect();
    fake.sessions[0]?.send(NOTICE.subarray(20));
    await client.query("first");
    expect(notices).toEqual([]);
    await client.end();
  });

  test("and says half a notice behind a query of ours: it reaches the client in one piece", async () => {
    const news = built((writer) => writeParameterStatus(writer, "application_name", "other"));
    // In session mode the pooler puts back at once what a RESET takes from the client.
    using fake = new FakePostgres({
      onQuery: (session, sql) => {
        if (sql === "select 1; reset all") session.send(done("RESET"));
        else if (session.queries.at(-2) === "select 1; reset all")
          session.send(Buffer.concat([news, done("SELECT 1"), NOTICE.subarray(0, 20)]));
        else session.send(done("INSERT 0 1"));
        return true;
      },
    });
    await clientOf(fake);
    const client = new Client(pooler.target("session", `hostile-${tenants}`));
    const notices: unknown[] = [];
    client.on("notice", (notice) => notices.push(notice.message));
    await client.connect();
    await client.query("select 1; reset all");
    await eventually(() => expect(fake.sessions[0]?.queries.at(-2)).toBe("select 1; reset all"));
    fake.sessions[0]?.send(NOTICE.subarray(20));
    await client.query("next");
    expect(notices).toEqual(["x".repeat(200)]);
    await client.end();
  });
});

/** The rows as text, or the error. */
async function answerTo(client: Client, sql: string): Promise<string> {
  try {
    return JSON.stringify((await client.query(sql)).rows);
  } catch (error) {
    return String(error);
  }
}
