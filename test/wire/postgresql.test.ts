/**
 * The codec against PostgreSQL itself: it must understand what we write, and everything it sends must come back
 * from our reader and writer byte for byte.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readBackendKeyData } from "../../src/wire/backend/backend-key-data.ts";
import { readDataRow } from "../../src/wire/backend/data-row.ts";
import { readNegotiateProtocolVersion } from "../../src/wire/backend/negotiate-protocol-version.ts";
import type { ByteWriter } from "../../src/wire/byte-writer.ts";
import { readText } from "../../src/wire/bytes.ts";
import { writeBind, writeBindHead } from "../../src/wire/frontend/bind.ts";
import { writeCancelRequest } from "../../src/wire/frontend/cancel-request.ts";
import { writeClose } from "../../src/wire/frontend/close.ts";
import { writeCopyData } from "../../src/wire/frontend/copy-data.ts";
import { writeCopyFail } from "../../src/wire/frontend/copy-fail.ts";
import { writeDescribe } from "../../src/wire/frontend/describe.ts";
import { COPY_DONE, FLUSH, SYNC, TERMINATE } from "../../src/wire/frontend/empty-requests.ts";
import { writeExecute } from "../../src/wire/frontend/execute.ts";
import { writeFunctionCall } from "../../src/wire/frontend/function-call.ts";
import { readParse, writeParse } from "../../src/wire/frontend/parse.ts";
import { writeQuery } from "../../src/wire/frontend/query.ts";
import { writeSASLInitialResponse } from "../../src/wire/frontend/sasl-initial-response.ts";
import { BACKEND } from "../../src/wire/message-type.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { hex, readWhole, written } from "./hex.ts";
import { connectRaw, namesOf, type RawConnection } from "./raw-connection.ts";
import { rewriteReply } from "./rewrite-reply.ts";
import { errorOf, logIn, messageOf, open } from "./session.ts";

const HBA = [
  "host all asks_scram 127.0.0.1/32 scram-sha-256",
  "host all asks_md5 127.0.0.1/32 md5",
  "host all asks_password 127.0.0.1/32 password",
  "host all all 127.0.0.1/32 trust",
];

/** Of `int4pl(int4, int4)`, in every version. */
const INT4PL_OID = 177;

const UNNAMED = {
  portal: "",
  statement: "",
  parameterFormats: [],
  parameters: [],
  resultFormats: [],
} as const;

let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres({ hba: HBA, settings: { password_encryption: "md5" } });
});

afterAll(async () => {
  await server.stop();
});

function expectSame(replies: readonly Uint8Array[]): void {
  for (const reply of replies) expect(rewriteReply(reply)).toEqual(reply);
}

/** Sends what `write` writes and resolves to the names of all replies up to ReadyForQuery. */
async function converse(
  connection: RawConnection,
  write: (writer: ByteWriter) => void,
): Promise<string[]> {
  connection.send(written(write));
  const replies = await connection.until(BACKEND.ReadyForQuery);
  expectSame(replies);
  return namesOf(replies);
}

describe("PostgreSQL understands a login", () => {
  test("by protocol 3.2, and sends a long cancel key", async () => {
    using connection = await open(server, { minor: 2 });
    const replies = await connection.until(BACKEND.ReadyForQuery);
    expectSame(replies);
    expect([...new Set(namesOf(replies))]).toEqual([
      "Authentication",
      "ParameterStatus",
      "BackendKeyData",
      "ReadyForQuery",
    ]);
    const keyData = messageOf(replies, BACKEND.BackendKeyData);
    expect(readWhole(readBackendKeyData, keyData).secretKey).toHaveLength(32);
  });

  test("by protocol 3.0, and sends a short one", async () => {
    using connection = await open(server, { minor: 0 });
    const keyData = messageOf(
      await connection.until(BACKEND.ReadyForQuery),
      BACKEND.BackendKeyData,
    );
    expectSame([keyData]);
    expect(readWhole(readBackendKeyData, keyData).secretKey).toHaveLength(4);
  });

  test("by a newer version with an option, and negotiates", async () => {
    using connection = await open(server, { minor: 9, protocolOptions: [["_pq_.x", "1"]] });
    const replies = await connection.until(BACKEND.ReadyForQuery);
    expectSame(replies);
    const negotiation = messageOf(replies, BACKEND.NegotiateProtocolVersion);
    expect(readWhole(readNegotiateProtocolVersion, negotiation)).toEqual({
      minor: 2,
      unknownOptions: ["_pq_.x"],
    });
  });

  test.each([
    ["asks_scram", 10],
    ["asks_md5", 5],
    ["asks_password", 3],
  ])("of %s, and asks for a password", async (user, kind) => {
    using connection = await open(server, { user });
    const request = (await connection.next()) ?? hex("");
    expect(request[8]).toBe(kind);
    expectSame([request]);
  });

  test("with a SASLInitialResponse, and sends its challenge", async () => {
    using connection = await open(server, { user: "asks_scram" });
    await connection.next();
    const first = new TextEncoder().encode("n,,n=,r=abcdefghijklmnop");
    connection.send(written((it) => writeSASLInitialResponse(it, "SCRAM-SHA-256", first)));
    const challenge = (await connection.next()) ?? hex("");
    expect(readText(challenge, 9, 27)).toBe("r=abcdefghijklmnop");
    expectSame([challenge]);
  });
});

describe("PostgreSQL understands", () => {
  test("simple queries: several in one, empty, failing, with notices", async () => {
    using connection = await logIn(server);
    const query = (sql: string): Promise<string[]> =>
      converse(connection, (it) => writeQuery(it, sql));
    expect(await query("select 1 as a, null, 'é'; begin; select")).toEqual([
      "RowDescription",
      "DataRow",
      "CommandComplete",
      "CommandComplete",
      "RowDescription",
      "DataRow",
      "CommandComplete",
      "ReadyForQuery",
    ]);
    expect(await query(" ")).toEqual(["EmptyQueryResponse", "ReadyForQuery"]);
    await query("create temp table t (n int constraint positive check (n > 0))");
    expect(await query("insert into t values (-1)")).toEqual(["ErrorResponse", "ReadyForQuery"]);
    expect(
      await query("rollback; do $$ begin raise notice 'n' using detail = 'd'; end $$"),
    ).toEqual(["CommandComplete", "NoticeResponse", "CommandComplete", "ReadyForQuery"]);
    expect(await query("listen c; notify c, 'p'; set timezone = 'CET'")).toEqual([
      "CommandComplete",
      "CommandComplete",
      "CommandComplete",
      "NotificationResponse",
      "ParameterStatus",
      "ReadyForQuery",
    ]);
  });

  test("the extended protocol, to a suspended portal and back", async () => {
    using connection = await logIn(server);
    const statement = { kind: "statement", name: "s" } as const;
    const portal = { kind: "portal", name: "p" } as const;
    const replies = await converse(connection, (it) => {
      writeParse(it, {
        statement: "s",
        query: "select n, $1::text from generate_series(1, 3) n where n <> $2",
        parameterTypeOids: [25],
      });
      writeDescribe(it, statement);
      writeBind(it, {
        portal: "p",
        statement: "s",
        parameterFormats: [0, 1],
        parameters: [null, Uint8Array.of(0, 0, 0, 9)],
        resultFormats: [1],
      });
      writeDescribe(it, portal);
      it.bytes(FLUSH);
      writeExecute(it, "p", 2);
      writeExecute(it, "p", 0);
      writeClose(it, portal);
      writeClose(it, statement);
      it.bytes(SYNC);
    });
    expect(replies).toEqual([
      "ParseComplete",
      "ParameterDescription",
      "RowDescription",
      "BindComplete",
      "RowDescription",
      "DataRow",
      "DataRow",
      "PortalSuspended",
      "DataRow",
      "CommandComplete",
      "CloseComplete",
      "CloseComplete",
      "ReadyForQuery",
    ]);
  });

  test("a statement without text", async () => {
    using connection = await logIn(server);
    const replies = await converse(connection, (it) => {
      writeParse(it, { statement: "", query: "", parameterTypeOids: [] });
      writeDescribe(it, { kind: "statement", name: "" });
      writeBind(it, UNNAMED);
      writeExecute(it, "", 0);
      it.bytes(SYNC);
    });
    expect(replies).toEqual([
      "ParseComplete",
      "ParameterDescription",
      "NoData",
      "BindComplete",
      "EmptyQueryResponse",
      "ReadyForQuery",
    ]);
  });

  test("a Bind that was given another statement on its way", async () => {
    using connection = await logIn(server);
    const bind = written((it) => writeBind(it, { ...UNNAMED, statement: "b", parameters: ["é"] }));
    const replies = await converse(connection, (it) => {
      writeParse(it, { statement: "another", query: "select $1::text", parameterTypeOids: [] });
      it.bytes(bind, writeBindHead(it, bind, 0, bind.length, "another"));
      writeExecute(it, "", 0);
      it.bytes(SYNC);
    });
    expect(replies).toEqual([
      "ParseComplete",
      "BindComplete",
      "DataRow",
      "CommandComplete",
      "ReadyForQuery",
    ]);
  });

  test("a Parse in LATIN1 that we have read and written", async () => {
    using connection = await logIn(server, { parameters: [["client_encoding", "LATIN1"]] });
    const parse = hex("'P' 00000012 00 'select ' 27e927 00 0000");
    connection.send(
      written((it) => {
        writeParse(it, readWhole(readParse, parse));
        writeBind(it, UNNAMED);
        writeExecute(it, "", 0);
        it.bytes(SYNC);
      }),
    );
    const row = messageOf(await connection.until(BACKEND.ReadyForQuery), BACKEND.DataRow);
    expect(readWhole(readDataRow, row)).toEqual([Uint8Array.of(0xe9)]);
  });

  test("COPY in, its failure, and COPY out", async () => {
    using connection = await logIn(server);
    await converse(connection, (it) => writeQuery(it, "create temp table t (a int, b text)"));
    const copied = await converse(connection, (it) => {
      writeQuery(it, "copy t from stdin");
      writeCopyData(it, new TextEncoder().encode("1\té\n2\t\\N\n"));
      it.bytes(COPY_DONE);
    });
    expect(copied).toEqual(["CopyInResponse", "CommandComplete", "ReadyForQuery"]);
    const failed = await converse(connection, (it) => {
      writeQuery(it, "copy t from stdin (format binary)");
      writeCopyFail(it, "no more");
    });
    expect(failed).toEqual(["CopyInResponse", "ErrorResponse", "ReadyForQuery"]);
    expect(await converse(connection, (it) => writeQuery(it, "copy t to stdout"))).toEqual([
      "CopyOutResponse",
      "CopyData",
      "CopyData",
      "CopyDone",
      "CommandComplete",
      "ReadyForQuery",
    ]);
  });

  test("a FunctionCall", async () => {
    using connection = await logIn(server);
    const call = {
      functionOid: INT4PL_OID,
      argumentFormats: [1, 0],
      arguments: [Uint8Array.of(0, 0, 0, 4), "38"],
      resultFormat: 0,
    } as const;
    connection.send(written((it) => writeFunctionCall(it, call)));
    expect(await connection.next()).toEqual(hex("'V' 0000000a 00000002 '42'"));
  });

  test("a CancelRequest with a key of 32 bytes", async () => {
    using connection = await open(server);
    const replies = await connection.until(BACKEND.ReadyForQuery);
    const key = readWhole(readBackendKeyData, messageOf(replies, BACKEND.BackendKeyData));
    const sql = "do $$ begin raise notice 'begun'; end $$; select pg_sleep(60)";
    connection.send(written((it) => writeQuery(it, sql)));
    await connection.until(BACKEND.NoticeResponse);
    using canceller = await connectRaw(server.port);
    canceller.send(written((it) => writeCancelRequest(it, key)));
    expect(await errorOf(connection)).toMatchObject({ sqlstate: "57014" });
    expect(await canceller.next()).toBeNull();
  });

  test("Terminate", async () => {
    using connection = await logIn(server);
    connection.send(TERMINATE);
    expect(await connection.next()).toBeNull();
  });
});
