/**
 * What a server says last, and servers that do not go when they should: nobody loses more by it than what
 * was lost anyway, and a pool of one has a server again soon.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { PortMode } from "../../../src/net/channel-opening.ts";
import { writeCommandComplete } from "../../../src/wire/backend/command-complete.ts";
import { writeErrorResponse } from "../../../src/wire/backend/error-response.ts";
import { writeParameterStatus } from "../../../src/wire/backend/parameter-status.ts";
import {
  TRANSACTION_STATUS,
  writeReadyForQuery,
} from "../../../src/wire/backend/ready-for-query.ts";
import { ByteWriter } from "../../../src/wire/byte-writer.ts";
import { FRONTEND } from "../../../src/wire/message-type.ts";
import { eventually } from "../../support/eventually.ts";
import { bind, execute, join, parse, query, sync } from "../../support/frontend-messages.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { RawClient } from "../../support/raw-client.ts";
import {
  done,
  type FakeBehaviour,
  FakePostgres,
  type FakeSession,
  message,
  oneRow,
} from "./fake-postgres.ts";

const MEGABYTE = 1024 ** 2;
const CANCEL_WAIT_MS = 150;

/** Well below the half minute that a server has to end in good order. */
const SOON_MS = 8000;
const TIMEOUT_MS = 20_000;

let idle: FakePostgres;
let pooler: TestPooler;
let tenants = 0;

beforeAll(async () => {
  idle = new FakePostgres();
  pooler = await startPooler(idle, { config: { cancelWaitTimeoutMs: CANCEL_WAIT_MS } });
});

afterEach(() => {
  expect(pooler.pooler.counters.internalErrorsTotal).toBe(0);
  expect(pooler.lines.filter(({ message: text }) => text.includes("handler threw"))).toEqual([]);
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  idle[Symbol.dispose]();
});

/** A client of a tenant that has one server at a time, of `fake`. */
async function clientOf(fake: FakePostgres, mode: PortMode = "transaction"): Promise<RawClient> {
  return RawClient.connect(pooler.target(mode, await tenantOf(fake)));
}

async function tenantOf(fake: FakePostgres): Promise<string> {
  tenants += 1;
  const tenant = `last-words-${tenants}`;
  await pooler.putTenant({ external_id: tenant, db_port: fake.port, default_pool_size: 1 });
  return tenant;
}

function built(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return writer.take();
}

const FATAL = built((writer) =>
  writeErrorResponse(writer, {
    severity: "FATAL",
    sqlstate: "57P01",
    message: "terminating connection due to administrator command",
  }),
);
const READY_BYTES = 6;
const TOLD = "ErrorResponse FATAL: 57P01";

/** Answers "last" with `answer`, then does `next`; everything else as a good server. */
function lastly(
  answer: readonly Uint8Array[],
  next: (session: FakeSession) => void = (session) => session.close(),
): FakeBehaviour {
  return {
    onQuery: (session, sql) => {
      if (sql !== "last") return false;
      session.send(Buffer.concat([...answer]));
      next(session);
      return true;
    },
  };
}

/** Whether a client has sent it: the pooler asks the server about what it cannot read. */
const isTheirs = (sql: string): boolean => sql === "last" || sql === "another";

describe("a server that ends behind a whole answer, in one piece with it,", () => {
  test("costs its client nothing in transaction mode", async () => {
    using fake = new FakePostgres(lastly([oneRow("mine"), FATAL]));
    await using client = await clientOf(fake);
    expect(await client.run(query("last"))).toContain('DataRow "mine"');
    // Were the connection to end, it would have to by now: the server is gone.
    await eventually(() => expect(fake.open).toBe(0));
    expect(await client.run(query("another"))).toEqual([
      "CommandComplete SELECT 0",
      "ReadyForQuery I",
    ]);
    const theirs = fake.sessions.flatMap(({ queries }) => queries.filter(isTheirs));
    expect(theirs).toEqual(["last", "another"]);
  });

  test("costs it nothing where the last words come in two pieces", async () => {
    const half = FATAL.length / 2;
    using fake = new FakePostgres(
      lastly([oneRow("mine"), FATAL.subarray(0, half)], (session) => {
        setImmediate(() => {
          session.send(FATAL.subarray(half));
          session.close();
        });
      }),
    );
    await using client = await clientOf(fake);
    expect(await client.run(query("last"))).toContain('DataRow "mine"');
    await eventually(() => expect(fake.open).toBe(0));
    expect(await client.run(query("another"))).toContain("ReadyForQuery I");
  });

  test("is told to a client in session mode, which has lost its session", async () => {
    using fake = new FakePostgres(lastly([oneRow("mine"), FATAL]));
    await using client = await clientOf(fake, "session");
    await client.send(query("last"));
    const lines = await client.untilClosed();
    expect(lines).toContain('DataRow "mine"');
    expect(lines.at(-2)).toStartWith(TOLD);
  });

  test.each<readonly [string, Uint8Array]>([
    [
      "is in a transaction",
      built((writer) => {
        writeCommandComplete(writer, "BEGIN");
        writeReadyForQuery(writer, TRANSACTION_STATUS.InTransaction);
      }),
    ],
    ["has set something", done("SET")],
    [
      "has changed what the server reports",
      Buffer.concat([
        built((writer) => writeParameterStatus(writer, "TimeZone", "Asia/Tokyo")),
        done("SELECT 1"),
      ]),
    ],
  ])("is told to a client that %s, and with it has lost that", async (_what, answer) => {
    using fake = new FakePostgres(lastly([answer, FATAL]));
    await using client = await clientOf(fake);
    await client.send(query("last"));
    expect((await client.untilClosed()).at(-2)).toStartWith(TOLD);
  });

  test("is told to a client that has sent its next query to it", async () => {
    using fake = new FakePostgres(lastly([oneRow("mine"), FATAL]));
    await using client = await clientOf(fake);
    await client.send(join(query("last"), query("another")));
    const lines = await client.untilClosed();
    expect(lines).toContain('DataRow "mine"');
    expect(lines.at(-2)).toStartWith(TOLD);
  });

  test("is told to a client whose answer is not whole", async () => {
    using fake = new FakePostgres(lastly([message("D", "\0\x01\0\0\0\x01x"), FATAL]));
    await using client = await clientOf(fake);
    await client.send(query("last"));
    expect((await client.untilClosed()).at(-2)).toStartWith(TOLD);
  });
});

test("a server that ends at a Parse of ours is not left in silence, either", async () => {
  using fake = new FakePostgres({
    onMessage: (session, type) => {
      const second = session !== fake.sessions[0];
      if (type === FRONTEND.Parse) session.send(second ? FATAL : message("1", ""));
      if (type === FRONTEND.Parse && second) session.close();
      if (type === FRONTEND.Describe)
        session.send(Buffer.concat([message("t", "\0\0"), message("n", "")]));
      if (type === FRONTEND.Sync) session.send(message("Z", "I"));
    },
  });
  await using client = await clientOf(fake);
  await client.run(join(parse("one", "select 1"), sync));
  fake.sessions[0]?.close();
  await eventually(() => expect(fake.open).toBe(0));
  await client.send(join(bind("one"), execute(), sync));
  expect((await client.untilClosed()).at(-2)).toStartWith(TOLD);
});

describe("a server that does not close", () => {
  test.each<readonly [string, readonly Uint8Array[]]>([
    ["having sent what it did not owe", [oneRow("mine"), message("1", "")]],
    ["having said that it ends", [oneRow("mine"), FATAL]],
  ])(
    "is closed soon, %s",
    async (_what, answer) => {
      using fake = new FakePostgres({ ...lastly(answer, () => {}), stubborn: true });
      await using client = await clientOf(fake);
      const tenant = `last-words-${tenants}`;
      await client.send(query("last"));
      await client.linesUntil("ReadyForQuery");
      const began = performance.now();
      await using next = await RawClient.connect(pooler.target("transaction", tenant));
      expect(await next.run(query("another"))).toContain("ReadyForQuery I");
      expect(performance.now() - began).toBeLessThan(SOON_MS);
      expect(fake.sessions).toHaveLength(2);
    },
    TIMEOUT_MS,
  );
});

describe("the answer of a client that is gone", () => {
  const ROW = message("D", "\0\x01\0\0\0\x01x");

  /** Answers "last" with a row now and then, for so long, and then in good order. */
  function trickling(durationMs: number): FakeBehaviour {
    return {
      onQuery: (session, sql) => {
        if (sql !== "last") return false;
        const until = performance.now() + durationMs;
        const timer = setInterval(() => {
          if (session.closed) return clearInterval(timer);
          if (performance.now() < until) return session.send(ROW);
          clearInterval(timer);
          session.send(done("SELECT 9"));
        }, CANCEL_WAIT_MS / 10);
        return true;
      },
    };
  }

  test("is read for as long as it comes, and its server is kept", async () => {
    using fake = new FakePostgres(trickling(3 * CANCEL_WAIT_MS));
    await goneFrom(fake);
    await eventually(() => expect(fake.sessions[0]?.queries.at(-1)).toBe("DISCARD ALL"));
    await using next = await RawClient.connect(
      pooler.target("transaction", `last-words-${tenants}`),
    );
    await next.run(query("another"));
    expect(fake.sessions[0]?.queries.filter(isTheirs)).toEqual(["last", "another"]);
  });

  test("is not read to its end where that is far away", async () => {
    const head = Buffer.from("\0\x01\x06\0\0\0x", "latin1");
    using fake = new FakePostgres({
      ...lastly([message("D", head, head.length + 100 * MEGABYTE)], () => {}),
      stubborn: true,
    });
    const client = await clientOf(fake);
    await client.send(query("last"));
    await eventually(() => expect(client.partial.length).toBeGreaterThan(0));
    client.disappear();
    await eventually(() => expect(fake.sessions[0]?.closed).toBe(true));
    await using next = await RawClient.connect(
      pooler.target("transaction", `last-words-${tenants}`),
    );
    expect(await next.run(query("another"))).toContain("ReadyForQuery I");
  });

  test(
    "is not read for ever, nor waited for",
    async () => {
      using fake = new FakePostgres({ ...trickling(1000 * CANCEL_WAIT_MS), stubborn: true });
      await goneFrom(fake);
      await using next = await RawClient.connect(
        pooler.target("transaction", `last-words-${tenants}`),
      );
      const began = performance.now();
      expect(await next.run(query("another"))).toContain("ReadyForQuery I");
      expect(performance.now() - began).toBeLessThan(SOON_MS);
    },
    TIMEOUT_MS,
  );
});

async function goneFrom(fake: FakePostgres): Promise<void> {
  const client = await clientOf(fake);
  await client.send(query("last"));
  await client.linesUntil("DataRow");
  client.disappear();
}

describe("a client that goes in the middle of a message, with a query running", () => {
  /** The beginning of a Query whose rest never comes. */
  const HALF = query(`select '${"and so on ".repeat(7000)}'`).subarray(0, 12);

  test("has it cancelled before its server is closed", async () => {
    const events: string[] = [];
    using fake = new FakePostgres({
      onQuery: (_session, sql) => sql === "select slow()",
      onCancel: (session) => {
        events.push("cancel");
        fake.sessions[0]?.send(done("SELECT 0"));
        session.close();
      },
    });
    const client = await clientOf(fake);
    await client.send(join(query("select slow()"), HALF));
    await eventually(() => expect(fake.sessions[0]?.queries).toEqual(["select slow()"]));
    fake.sessions[0]?.whenClosed(() => events.push("close"));
    client.disappear();
    await eventually(() => expect(events).toContain("close"));
    expect(events).toEqual(["cancel", "close"]);
  });

  test("costs its server where no cancel helps, after the time for a cancel", async () => {
    let cancels = 0;
    using fake = new FakePostgres({
      onQuery: (_session, sql) => sql === "select slow()",
      onCancel: (session) => {
        cancels += 1;
        session.close();
      },
    });
    const client = await clientOf(fake);
    await client.send(join(query("select slow()"), HALF));
    await eventually(() => expect(fake.sessions[0]?.queries).toEqual(["select slow()"]));
    client.disappear();
    await eventually(() => expect(fake.sessions[0]?.closed).toBe(true));
    expect(cancels).toBeGreaterThan(0);
    expect(fake.sessions[0]?.queries).toEqual(["select slow()"]);
  });
});

describe.each<readonly [string, Uint8Array, Uint8Array]>([
  ["in place of its answer to", FATAL, FATAL],
  [
    "in one piece with its answer to",
    Buffer.concat([done("SELECT 1"), FATAL]),
    Buffer.concat([done("SELECT 1").subarray(0, -READY_BYTES), FATAL]),
  ],
])("a server that ends %s a query of ours", (_how, lastWords, lastWordsInFront) => {
  const parameters = [["application_name", "mine"]] as const;

  /** Answers the next query of ours that sets something with its last words. */
  function endingAtSettings(): FakeBehaviour & { armed: boolean } {
    return {
      armed: false,
      onSettings(session, sql) {
        if (!this.armed || !sql.includes("set_config")) return false;
        this.armed = false;
        session.send(lastWordsInFront);
        session.close();
        return true;
      },
    };
  }

  test("is told to the client whose settings it was to take, and whose message stands behind", async () => {
    const behaviour = endingAtSettings();
    using fake = new FakePostgres(behaviour);
    const target = pooler.target("transaction", await tenantOf(fake));
    await using client = await RawClient.connect(target, { parameters });
    await using other = await RawClient.connect(target);
    await other.run(query("select"));
    behaviour.armed = true;
    await client.send(query("begin"));
    const lines = await client.untilClosed();
    expect(lines.map((line) => line.slice(0, TOLD.length))).toEqual([TOLD, "closed"]);
    expect(behaviour.armed).toBeFalse();
  });

  test("is told to the client in session mode whose settings it was to put back", async () => {
    using fake = new FakePostgres({
      onQuery(session, sql) {
        if (sql === "select 1; reset all") session.send(done("RESET"));
        else if (!sql.includes("VALUES")) return false;
        else {
          session.send(lastWords);
          session.close();
        }
        return true;
      },
    });
    const target = pooler.target("session", await tenantOf(fake));
    await using client = await RawClient.connect(target, { parameters });
    await client.send(query("select 1; reset all"));
    const lines = await client.untilClosed();
    expect(lines.slice(0, 2)).toEqual(["CommandComplete RESET", "ReadyForQuery I"]);
    expect(lines.slice(2).map((line) => line.slice(0, TOLD.length))).toEqual([TOLD, "closed"]);
  });
});
