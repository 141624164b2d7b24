/**
 * Every message that a client can send, well or badly formed, in every state that it can be in: what
 * becomes of the connection is what PostgreSQL makes of it, and nobody else notices.
 */

// oxlint-disable no-await-in-loop -- one thing after the other is the point here

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { BACKEND, FRONTEND } from "../../../src/wire/message-type.ts";
import { eventually } from "../../support/eventually.ts";
import {
  bind,
  copyData,
  execute,
  extended,
  flush,
  int32,
  join,
  message,
  parse,
  query,
  sync,
} from "../../support/frontend-messages.ts";
import { RawClient } from "../../support/raw-client.ts";
import { Bench } from "../../support/same-as-postgres.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start({ tenant: { default_pool_size: 6 } });
  await bench.postgres.query("create table kept (a int)");
});

afterAll(() => bench[Symbol.asyncDispose]());

/** How a client gets where the message strikes it. */
interface State {
  readonly sends: Uint8Array;
  /** What it has read by then. */
  readonly reads: string;
}

const copy = query("copy kept from stdin");

const STATES: Readonly<Record<string, State | null>> = {
  "at rest": null,
  "in a transaction": { sends: query("begin"), reads: "ReadyForQuery" },
  "in a failed transaction": { sends: query("begin; select 1/0"), reads: "ReadyForQuery" },
  "with a query running": {
    sends: query("select 'begun'; select pg_sleep(0.005)"),
    reads: "",
  },
  "in a pipeline": {
    sends: join(parse("", "select 'begun'"), bind(""), execute(), flush),
    reads: "CommandComplete",
  },
  "in a pipeline that failed": {
    sends: join(parse("", "select 1/0"), bind(""), execute(), flush),
    reads: "ErrorResponse",
  },
  "in a COPY": { sends: copy, reads: "CopyInResponse" },
  "in a COPY with half a line sent": { sends: join(copy, copyData("1")), reads: "CopyInResponse" },
  "in a COPY of a pipeline": {
    sends: join(parse("", "copy kept from stdin"), bind(""), execute(), flush),
    reads: "CopyInResponse",
  },
  "in a COPY of a pipeline that failed, with a Sync inside": {
    sends: join(
      parse("", "copy kept from stdin"),
      bind(""),
      execute(),
      sync,
      message(FRONTEND.CopyFail, Buffer.from("no\0")),
    ),
    reads: "ErrorResponse",
  },
  "behind a pipeline of ten": {
    sends: join(...Array.from({ length: 10 }, () => join(extended("select 'begun'"), sync))),
    reads: "",
  },
};

const EMPTY = new Uint8Array(0);
const bodies: Readonly<Record<string, Uint8Array>> = {
  "without a body": EMPTY,
  "of one zero": Uint8Array.of(0),
  "of text without end": Buffer.from("Sxxxxxxx"),
  "of 0xff": Buffer.alloc(9, 0xff),
};

/** Terminate ends everything everywhere, and PasswordMessage stands for its three brothers. */
const frontendTypes = Object.entries(FRONTEND).filter(
  ([name]) => !["Terminate", "GSSResponse", "SASLInitialResponse", "SASLResponse"].includes(name),
);
const frontendBytes = new Set<number>(Object.values(FRONTEND));

const MESSAGES: readonly (readonly [string, Uint8Array])[] = [
  ...frontendTypes.flatMap(([name, type]) =>
    Object.entries(bodies).map(([what, body]) => [`${name} ${what}`, message(type, body)] as const),
  ),
  ...Object.entries(BACKEND)
    .filter(([, type]) => !frontendBytes.has(type))
    .map(([name, type]) => [`${name} of a server`, message(type, EMPTY)] as const),
  ...[0, 1, 0x21, 0x7f, 0x80, 0xff].map((type) => [`type ${type}`, message(type, EMPTY)] as const),
  ["a length of 3", join(Uint8Array.of(FRONTEND.Query), int32(3))],
  ["a length of 0", join(Uint8Array.of(FRONTEND.Sync), int32(0))],
  ["a length of -1", join(Uint8Array.of(FRONTEND.Bind), int32(-1))],
  ["a length of 0x80000000", join(Uint8Array.of(FRONTEND.CopyData), int32(-0x8000_0000))],
  ["a length of 0x7fffffff", join(Uint8Array.of(FRONTEND.Parse), int32(0x7fff_ffff))],
  ["a StartupMessage", join(int32(8), int32(196_608))],
  ["an SSLRequest", join(int32(8), int32(80_877_103))],
  ["a GSSENCRequest", join(int32(8), int32(80_877_104))],
  ["a CancelRequest", join(int32(16), int32(80_877_102), int32(1), int32(1))],
  ["a ClientHello", Buffer.from("1603010005010000010303", "hex")],
];

/** Leads from wherever it stands, if the connection still does, to its last line. */
const WAY_OUT = join(
  message(FRONTEND.CopyFail, Buffer.from("enough\0")),
  sync,
  query("rollback"),
  query("select 'alive'"),
);

interface Outcome {
  readonly ends: "alive" | "closed";
  /** The SQLSTATEs of the errors. */
  readonly errors: readonly string[];
}

const BROKEN = "08P01";

/** One side: a client as long as it lives, then the next. */
class Side implements AsyncDisposable {
  readonly #connect: () => Promise<RawClient>;
  #client: RawClient | null = null;

  constructor(connect: () => Promise<RawClient>) {
    this.#connect = connect;
  }

  async outcomeOf(state: State | null, bytes: Uint8Array): Promise<Outcome> {
    this.#client ??= await this.#connect();
    const client = this.#client;
    if (state !== null) {
      await client.send(state.sends);
      if (state.reads !== "") await client.linesUntil(state.reads);
    }
    await client.send(join(bytes, WAY_OUT));
    const lines = await client.linesUntil('DataRow "alive"');
    const errors = lines
      .filter((line) => line.startsWith("ErrorResponse"))
      .map((line) => line.split(": ")[1] ?? "");
    if (lines.at(-1) !== "closed") {
      await client.linesUntil("ReadyForQuery");
      return { ends: "alive", errors };
    }
    this.#client = null;
    await client[Symbol.asyncDispose]();
    return { ends: "closed", errors };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client?.[Symbol.asyncDispose]();
  }
}

/**
 * Whether the pooler may do `actual` where PostgreSQL does `expected`: the same; or, where PostgreSQL finds
 * the protocol broken or hangs up without a word, an end with a word.
 */
function isAllowed(actual: Outcome, expected: Outcome): boolean {
  if (Bun.deepEquals(actual, expected)) return true;
  const isBroken = expected.errors.includes(BROKEN) || expected.ends === "closed";
  return isBroken && actual.ends === "closed" && actual.errors.at(-1) === BROKEN;
}

describe.each(["transaction", "session"] as const)(
  "in %s mode, what becomes of a client is what PostgreSQL makes of it,",
  (mode) => {
    test.each(Object.entries(STATES))("%s", async (_name, state) => {
      await using reference = new Side(() => bench.direct());
      await using pooled = new Side(() => RawClient.connect(bench.pooler.target(mode)));
      const differences: string[] = [];
      for (const [what, bytes] of MESSAGES) {
        const expected = await reference.outcomeOf(state, bytes);
        const actual = await pooled.outcomeOf(state, bytes);
        if (!isAllowed(actual, expected))
          differences.push(`${what}: ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`);
      }
      expect(differences).toEqual([]);
      expect(bench.takeFaults()).toEqual([]);
      await expectAllAtRest();
    });
  },
);

/** No server is left in a transaction, a COPY or a query. */
async function expectAllAtRest(): Promise<void> {
  await eventually(async () => {
    const rows = await bench.postgres.query(
      "select count(*)::int as n from pg_stat_activity where backend_type = 'client backend' and state <> 'idle' and pid <> pg_backend_pid()",
    );
    expect(rows[0]?.["n"]).toBe(0);
  });
}
