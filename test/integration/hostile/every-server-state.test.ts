/**
 * Every message that a server can send, well or badly formed, in every state that it can be in: nobody but
 * its client gets anything of it, and its tenant and everybody else are served on.
 */

// oxlint-disable no-await-in-loop -- one thing after the other is the point here

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { BACKEND, FRONTEND } from "../../../src/wire/message-type.ts";
import { eventually } from "../../support/eventually.ts";
import {
  bind,
  copyData,
  execute,
  join,
  parse,
  query,
  sync,
} from "../../support/frontend-messages.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { RawClient } from "../../support/raw-client.ts";
import {
  type FakeBehaviour,
  FakePostgres,
  type FakeSession,
  message,
  oneRow,
  welcome,
} from "./fake-postgres.ts";

const SECRET = "secret";

/** So many servers misbehave at a time: many cases are over only when a timeout is. */
const LANES = 12;

/** A message with something in it that only whom it is for may ever see. */
function typed(type: number, body: Uint8Array | string, length?: number): Uint8Array {
  return message(String.fromCodePoint(type), body, length);
}

const BODIES: Readonly<Record<string, string>> = {
  [BACKEND.Authentication]: "\0\0\0\0",
  [BACKEND.BackendKeyData]: "\0\0\0\x01\0\0\0\x01",
  [BACKEND.CommandComplete]: "SELECT 1\0",
  [BACKEND.CopyInResponse]: "\0\0\0",
  [BACKEND.CopyOutResponse]: "\0\0\0",
  [BACKEND.CopyBothResponse]: "\0\0\0",
  [BACKEND.CopyData]: SECRET,
  [BACKEND.DataRow]: `\0\x01\0\0\0\x06${SECRET}`,
  [BACKEND.ErrorResponse]: `SERROR\0C22012\0M${SECRET}\0\0`,
  [BACKEND.FunctionCallResponse]: `\0\0\0\x06${SECRET}`,
  [BACKEND.NegotiateProtocolVersion]: "\0\x03\0\0\0\0\0\0",
  [BACKEND.NoticeResponse]: `SNOTICE\0C00000\0M${SECRET}\0\0`,
  [BACKEND.NotificationResponse]: `\0\0\0\x01${SECRET}\0\0`,
  [BACKEND.ParameterDescription]: "\0\0",
  [BACKEND.ParameterStatus]: `application_name\0${SECRET}\0`,
  [BACKEND.ReadyForQuery]: "I",
  [BACKEND.RowDescription]: "\0\0",
};

const MESSAGES: readonly (readonly [string, Uint8Array])[] = [
  ...Object.entries(BACKEND).flatMap(([name, type]) => [
    [name, typed(type, BODIES[type] ?? "")] as const,
    [`${name} without a body`, typed(type, "")] as const,
    [`${name} with bytes that are nothing`, typed(type, Buffer.alloc(9, 0xff))] as const,
  ]),
  ...["E", "T"].map((status) => [`ReadyForQuery ${status}`, message("Z", status)] as const),
  ["a FATAL error", message("E", `SFATAL\0C57P01\0M${SECRET}\0\0`)],
  ["a PANIC", message("E", `SPANIC\0CXX000\0M${SECRET}\0\0`)],
  ...[0, 1, 0x21, 0x7f, 0x80, 0xff].map((type) => [`type ${type}`, typed(type, "")] as const),
  ...[3, 0, -1, -0x8000_0000, 0x7fff_ffff].map(
    (length) => [`a length of ${length}`, message("D", "", length)] as const,
  ),
];

/** Where the message strikes, and how the fake gets there. */
interface State {
  /** What the client sends. */
  readonly sends?: Uint8Array;
  /** What the server does before it misbehaves. */
  readonly before?: Uint8Array;
  /** What it answers to which message, instead. */
  readonly at?: number;
  /** It misbehaves in its login. */
  readonly inLogin?: "instead of AuthenticationOk" | "before ReadyForQuery";
}

const rowDescription = message("T", "\0\x01a\0\0\0\0\0\0\0\0\0\0\x19\0\x04\xff\xff\xff\xff\0\0");
const chain = join(parse("", "select 1"), bind(""), execute(), sync);

const STATES: Readonly<Record<string, State>> = {
  "in place of a login": { inLogin: "instead of AuthenticationOk" },
  "in a login": { inLogin: "before ReadyForQuery" },
  "before the answer": { sends: query("provoke"), before: Buffer.alloc(0) },
  "behind a RowDescription": { sends: query("provoke"), before: rowDescription },
  "behind a row": {
    sends: query("provoke"),
    before: Buffer.concat([rowDescription, message("D", "\0\x01\0\0\0\x01x")]),
  },
  "behind the end of the command": {
    sends: query("provoke"),
    before: Buffer.concat([rowDescription, message("C", "SELECT 0\0")]),
  },
  "behind the whole answer": { sends: query("provoke"), before: oneRow("mine") },
  "in a COPY from the client": {
    sends: join(query("provoke"), copyData("x\n")),
    before: message("G", "\0\0\0"),
  },
  "in a COPY to the client": { sends: query("provoke"), before: message("H", "\0\0\0") },
  "in place of ParseComplete": { sends: chain, at: FRONTEND.Parse },
  "in place of BindComplete": { sends: chain, at: FRONTEND.Bind },
  "in place of an Execute's rows": { sends: chain, at: FRONTEND.Execute },
  "in place of the Sync's answer": { sends: chain, at: FRONTEND.Sync },
};

let pooler: TestPooler;
let good: FakePostgres;
let tenants = 0;

beforeAll(async () => {
  good = new FakePostgres({
    onQuery: (session, sql) => {
      session.send(oneRow(sql));
      return true;
    },
  });
  pooler = await startPooler(good, {
    config: { serverConnectTimeoutMs: 200, serverLoginRetryMs: 10, cancelWaitTimeoutMs: 200 },
  });
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  good[Symbol.dispose]();
});

const ANSWERS: Readonly<Record<number, Uint8Array>> = {
  [FRONTEND.Parse]: message("1", ""),
  [FRONTEND.Bind]: message("2", ""),
  [FRONTEND.Execute]: message("C", "SELECT 0\0"),
  [FRONTEND.Sync]: message("Z", "I"),
};

/** Misbehaves once, with its first connection, by `bytes`; afterwards it is a good server. */
function misbehaving(state: State, bytes: Uint8Array): FakePostgres {
  let struck = false;
  const misbehave = (session: FakeSession, before: Uint8Array): boolean => {
    if (struck) return false;
    struck = true;
    session.send(Buffer.concat([before, bytes]));
    return true;
  };
  const behaviour: FakeBehaviour = {
    onStartup(session) {
      const whole = welcome(session.processId);
      const kept =
        state.inLogin === "before ReadyForQuery" ? whole.subarray(0, -6) : Buffer.alloc(0);
      if (state.inLogin === undefined || !misbehave(session, kept)) session.send(whole);
    },
    onQuery: (session, sql) =>
      sql === "provoke" && misbehave(session, state.before ?? Buffer.alloc(0)),
    onMessage(session, type) {
      if (type === state.at && misbehave(session, Buffer.alloc(0))) return;
      const answer = ANSWERS[type];
      if (answer !== undefined) session.send(answer);
    },
  };
  return new FakePostgres(behaviour);
}

/** Lets a client ask. It is gone when the pooler has had the time to read what came of that. */
async function provoke(state: State, tenant: string, neighbour: RawClient): Promise<void> {
  let client: RawClient;
  try {
    client = await RawClient.connect(pooler.target("transaction", tenant));
  } catch (error) {
    // Not in silence: the pooler says why it has no server.
    expect(String(error)).toContain("ErrorResponse FATAL");
    return;
  }
  if (state.sends !== undefined) await client.send(state.sends);
  await neighbour.run(query("meanwhile"));
  await neighbour.run(query("meanwhile"));
  client.disappear();
}

async function strike(state: State, bytes: Uint8Array, neighbour: RawClient): Promise<unknown> {
  using fake = misbehaving(state, bytes);
  tenants += 1;
  const tenant = `state-${tenants}`;
  await pooler.putTenant({ external_id: tenant, db_port: fake.port, default_pool_size: 1 });
  await provoke(state, tenant, neighbour);
  const answers: (readonly string[])[] = [];
  // A tenant whose server says nothing is out of service until a timeout is over.
  await eventually(async () => {
    await using next = await RawClient.connect(pooler.target("transaction", tenant));
    answers.push(await next.run(query("something else")));
    expect(answers.at(-1)).toEqual(SERVED.answer);
  });
  const leaked = answers.flat().filter((line) => line.includes(SECRET));
  const [answer] = answers.slice(-1);
  return { leaked, answer, neighbour: await neighbour.run(query("mine")) };
}

/** What the next client of the tenant is answered, and what the neighbour. */
const SERVED = {
  leaked: [],
  answer: ["CommandComplete SELECT 0", "ReadyForQuery I"],
  neighbour: ['DataRow "mine"', "CommandComplete SELECT 1", "ReadyForQuery I"],
};

describe("whatever a server sends, its tenant is served on, and nobody gets what is not his:", () => {
  test.each(Object.entries(STATES))("%s", async (_name, state) => {
    const left = [...MESSAGES];
    const lane = async (): Promise<void> => {
      await using neighbour = await RawClient.connect(pooler.target());
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        const [what, bytes] = next;
        const outcome = await strike(state, bytes, neighbour);
        expect({ what, outcome }).toEqual({ what, outcome: SERVED });
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    expect(pooler.pooler.counters.internalErrorsTotal).toBe(0);
    expect(pooler.lines.filter(({ message: text }) => text.includes("handler threw"))).toEqual([]);
  });
});
