import { describe, expect, test } from "bun:test";
import { md5Verifier } from "../../../src/auth/md5.ts";
import { formatScramVerifier } from "../../../src/auth/scram-verifier.ts";
import type { PoolerError } from "../../../src/base/pooler-error.ts";
import type { AuthQueryOutcome } from "../../../src/session/login/auth-query-reply.ts";
import { AuthQueryStream } from "../../../src/session/login/auth-query-stream.ts";
import { writeDataRow } from "../../../src/wire/backend/data-row.ts";
import { ByteWriter } from "../../../src/wire/byte-writer.ts";
import { readBind } from "../../../src/wire/frontend/bind.ts";
import { readParse } from "../../../src/wire/frontend/parse.ts";
import { BACKEND, FRONTEND } from "../../../src/wire/message-type.ts";
import { verifierOf } from "../../auth/login.ts";
import {
  BIND_COMPLETE,
  commandComplete,
  errorResponse,
  message,
  NO_DATA,
  PARSE_COMPLETE,
  parameterStatus,
  readyForQuery,
  rowDescription,
} from "../support/backend-messages.ts";
import { joined } from "../support/frontend-messages.ts";

const SCRAM = formatScramVerifier(verifierOf("secret"));
const MD5 = md5Verifier("app", "secret");
const READY = readyForQuery("I");
const DONE = [commandComplete("SELECT 1"), READY];

/** A connection whose settings are in force, and what was told of it. */
class Rig {
  readonly sent: Uint8Array[] = [];
  readonly outcomes: AuthQueryOutcome[] = [];
  readonly broken: PoolerError[] = [];
  readonly stream = new AuthQueryStream({
    send: (bytes) => this.sent.push(bytes),
    onBroken: (error) => this.broken.push(error),
  });

  constructor() {
    this.stream.start(5000);
    this.feed(parameterStatus("client_encoding", "UTF8"), commandComplete("SET"), READY);
  }

  feed(...messages: readonly Uint8Array[]): this {
    this.stream.feed(joined(...messages));
    return this;
  }

  run(role = "app"): this {
    this.stream.run("select $1", role, (outcome) => this.outcomes.push(outcome));
    return this;
  }
}

function row(...values: readonly (string | null)[]): Uint8Array {
  const writer = new ByteWriter();
  writeDataRow(writer, values);
  return writer.take();
}

function answer(...rows: readonly Uint8Array[]): Uint8Array {
  return joined(PARSE_COMPLETE, BIND_COMPLETE, rowDescription(2), ...rows, ...DONE);
}

/** The DETAIL of the one outcome, which is a failure. */
function fault({ outcomes }: Rig): string {
  const [outcome] = outcomes;
  if (outcomes.length !== 1 || outcome?.kind !== "failed") throw new Error("no single failure");
  return outcome.error.detail ?? "";
}

describe("a connection for auth_query", () => {
  test("is read only, has a time limit and speaks UTF-8 before anything is asked", () => {
    const [settings = new Uint8Array()] = new Rig().sent;
    expect(settings[0]).toBe(FRONTEND.Query);
    const text = Buffer.from(settings).toString();
    expect(text).toContain("TRANSACTION READ ONLY");
    expect(text).toContain("statement_timeout = 5000");
    expect(text).toContain("client_encoding = 'UTF8'");
  });

  test("sends the name as $1 of type text, never in the query", () => {
    const { sent } = new Rig().run("o'brien; drop role x");
    const bytes = sent[1] ?? new Uint8Array();
    const parseEnd = 1 + new DataView(bytes.buffer, bytes.byteOffset).getInt32(1);
    expect(readParse(bytes, 0, parseEnd)).toEqual({
      statement: "",
      query: "select $1",
      parameterTypeOids: [25],
    });
    const bindEnd =
      parseEnd + 1 + new DataView(bytes.buffer, bytes.byteOffset).getInt32(parseEnd + 1);
    const { parameters } = readBind(bytes, parseEnd, bindEnd);
    expect(parameters).toEqual([new TextEncoder().encode("o'brien; drop role x")]);
  });

  test.each([
    ["SCRAM", SCRAM],
    ["MD5", MD5],
  ])("takes a secret by %s", (_kind, text) => {
    const rig = new Rig().run().feed(answer(row("app", text)));
    expect(rig.outcomes).toEqual([{ kind: "secret", text }]);
  });

  test("reads an answer byte by byte", () => {
    const rig = new Rig().run();
    for (const byte of answer(row("app", SCRAM))) rig.feed(Uint8Array.of(byte));
    expect(rig.outcomes).toEqual([{ kind: "secret", text: SCRAM }]);
  });

  test.each([
    ["no row", []],
    ["a secret that is NULL", [row("app", null)]],
    ["a secret that is empty", [row("app", "")]],
    ["a row of NULLs, as a function with OUT parameters returns", [row(null, null)]],
  ])("finds nobody in %s", (_what, rows) => {
    expect(new Rig().run().feed(answer(...rows)).outcomes).toEqual([{ kind: "none" }]);
  });

  test("finds nobody by a name that the database cannot write", () => {
    const refused = errorResponse("22P05", "character has no equivalent in encoding LATIN1");
    expect(new Rig().run("Ω").feed(refused, READY).outcomes).toEqual([{ kind: "none" }]);
  });

  test("runs several at once, and one that fails disturbs no other", () => {
    const rig = new Rig().run("one").run("two").run("three");
    expect(rig.stream.pending).toBe(3);
    rig.feed(answer(row("one", SCRAM)));
    rig.feed(errorResponse("42501", "permission denied for table pg_authid"), READY);
    rig.feed(answer(row("three", MD5)));
    expect(rig.outcomes.map(({ kind }) => kind)).toEqual(["secret", "failed", "secret"]);
    expect(rig.stream.pending).toBe(0);
  });
});

describe("an answer that is none", () => {
  test("repeats PostgreSQL's words where it refuses the query", () => {
    const rig = new Rig().run();
    rig.feed(errorResponse("42501", "permission denied for table pg_authid"), READY);
    expect(rig.outcomes).toMatchObject([
      {
        kind: "failed",
        error: {
          sqlstate: "28000",
          message: "authentication query failed: permission denied for table pg_authid",
        },
      },
    ]);
  });

  test("counts the columns", () => {
    const wide = joined(rowDescription(3), row("app", SCRAM, "x"), ...DONE);
    expect(fault(new Rig().run().feed(wide))).toBe("It returned 3 columns instead of two.");
    const none = joined(NO_DATA, commandComplete("SET"), READY);
    expect(fault(new Rig().run().feed(none))).toBe("It returned 0 columns instead of two.");
  });

  test("has one row at most", () => {
    const rig = new Rig().run().feed(answer(row("app", SCRAM), row("app", MD5)));
    expect(fault(rig)).toBe("It returned more than one row.");
  });

  test("is of the role that was asked for, and says nothing of another", () => {
    const detail = fault(new Rig().run().feed(answer(row("other", SCRAM))));
    expect(detail).toBe("It returned a name that is not the one in $1.");
    expect(detail).not.toContain("other");
  });

  test.each([
    ["a password in clear text", "hunter2"],
    ["a damaged verifier", "SCRAM-SHA-256$4096:AAAA"],
    ["a verifier of another hash", "SCRAM-SHA-512$4096:AA==$AA==:AA=="],
  ])("has no secret that is %s, and does not repeat it", (_what, text) => {
    const detail = fault(new Rig().run().feed(answer(row("app", text))));
    expect(detail).toBe("It returned a secret that is neither SCRAM-SHA-256 nor MD5.");
  });

  test("has no secret of more than 1024 bytes", () => {
    const detail = fault(new Rig().run().feed(answer(row("app", "x".repeat(1025)))));
    expect(detail).toBe("It returned a secret of more than 1024 bytes.");
  });
});

describe("a connection for auth_query ends", () => {
  test("before it reads a message of a gigabyte", () => {
    const rig = new Rig()
      .run()
      .feed(rowDescription(2), Uint8Array.of(BACKEND.DataRow, 0x3f, 255, 255, 255));
    expect(rig.broken[0]?.detail).toContain("It sent a message of 1073741824 bytes");
    expect(rig.feed(answer(row("app", SCRAM))).outcomes).toEqual([]);
  });

  test("when an answer goes on and on", () => {
    const rig = new Rig().run();
    for (let sent = 0; sent < 10; sent += 1)
      rig.feed(message(BACKEND.NoticeResponse, "x".repeat(10_000)));
    expect(rig.broken).toHaveLength(1);
    expect(rig.broken[0]?.detail).toBe("Its answer had more than 65536 bytes.");
  });

  test.each([
    ["an answer that nobody asked for", [READY]],
    ["a row that nobody asked for", [row("app", SCRAM)]],
    ["a length that no message has", [Uint8Array.of(BACKEND.DataRow, 0, 0, 0, 3)]],
  ])("at %s", (_what, messages) => {
    const rig = new Rig().feed(...messages);
    expect(rig.broken).toMatchObject([{ sqlstate: "08006" }]);
  });

  test("at a message that has no place in an answer", () => {
    const rig = new Rig().run().feed(message(BACKEND.CopyInResponse, "\0\0\0"));
    expect(rig.broken).toHaveLength(1);
  });

  test("when the query leaves a transaction open", () => {
    const rig = new Rig().run().feed(rowDescription(2), row("app", SCRAM), commandComplete("X"));
    rig.feed(readyForQuery("T"));
    expect(rig.broken[0]?.detail).toBe("The query left a transaction open.");
    expect(rig.outcomes).toEqual([]);
  });

  test("with PostgreSQL's reason where it gives one", () => {
    const rig = new Rig().feed(errorResponse("57P01", "terminating connection", "FATAL"));
    expect(rig.broken).toMatchObject([
      { sqlstate: "57P01", message: "auth_query connection failed: terminating connection" },
    ]);
  });

  test("when its settings are refused", () => {
    const broken: PoolerError[] = [];
    const stream = new AuthQueryStream({ send: () => {}, onBroken: (error) => broken.push(error) });
    stream.start(1);
    stream.feed(errorResponse("42501", "permission denied to set parameter"));
    expect(broken).toMatchObject([{ sqlstate: "42501" }]);
  });
});
