/**
 * The codec against PostgreSQL itself: what we refuse it must refuse in the same words, and the startup
 * parameter `options` must mean the same to both.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ErrorFields } from "../../src/wire/backend/error-fields.ts";
import { readText } from "../../src/wire/bytes.ts";
import { readBind } from "../../src/wire/frontend/bind.ts";
import { readClose } from "../../src/wire/frontend/close.ts";
import { readDescribe } from "../../src/wire/frontend/describe.ts";
import { readExecute } from "../../src/wire/frontend/execute.ts";
import { readParse, writeParse } from "../../src/wire/frontend/parse.ts";
import { readQuery, writeQuery } from "../../src/wire/frontend/query.ts";
import { readStartupMessage } from "../../src/wire/frontend/startup-message.ts";
import { BACKEND } from "../../src/wire/message-type.ts";
import { ProtocolError } from "../../src/wire/protocol-error.ts";
import { parseStartupOptions, StartupOptionsError } from "../../src/wire/startup-options.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { hex, readWhole, written } from "./hex.ts";
import type { MessageRead } from "./message-under-test.ts";
import { connectRaw } from "./raw-connection.ts";
import { errorOf, logIn, messageOf, open } from "./session.ts";

let server: TestPostgres;

beforeAll(async () => {
  server = await startPostgres({ hba: ["host all all 127.0.0.1/32 trust"] });
});

afterAll(async () => {
  await server.stop();
});

type Told = Pick<ErrorFields, "severity" | "sqlstate" | "message">;

function told({ severity, sqlstate, message }: Told): Told {
  return { severity, sqlstate, message };
}

/** Returns what the reader's refusal tells. */
function refusalOf(read: () => unknown): Told {
  try {
    read();
  } catch (error) {
    if (error instanceof ProtocolError || error instanceof StartupOptionsError) return told(error);
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("PostgreSQL refuses in our words", () => {
  test.each([
    ["no terminator", "0003 0000 'user' 00 'ann' 00"],
    ["bytes behind the terminator", "0003 0000 'user' 00 'ann' 00 00 00"],
    ["a name without a value", "0003 0000 'user' 00"],
    ["a value without an end", "0003 0000 'user' 00 'ann'"],
    ["no user", "0003 0000 00"],
    ["an empty user", "0003 0000 'user' 00 00 00"],
    // Not protocol 2: PostgreSQL answers it in protocol 2.
    ["protocol 4.1", "0004 0001 'user' 00 'ann' 00 00"],
    ["protocol 1234.1", "04d2 0001 'user' 00 'ann' 00 00"],
  ])("a StartupMessage with %s", async (_name, body) => {
    const packet = hex(`00000000 ${body}`);
    new DataView(packet.buffer).setInt32(0, packet.length);
    using connection = await connectRaw(server.port);
    connection.send(packet);
    const theirs = told(await errorOf(connection));
    expect(refusalOf(() => readWhole(readStartupMessage, packet))).toEqual(theirs);
  });

  test.each<[string, MessageRead, string]>([
    ["a Query without its end", readQuery, "'Q' 0000000c 'select 1'"],
    ["a Query with two texts", readQuery, "'Q' 00000008 'a' 00 'b' 00"],
    ["a Parse without a count", readParse, "'P' 00000007 00 'q' 00"],
    ["a Parse with too few types", readParse, "'P' 00000009 00 'q' 00 0001"],
    ["an Execute without a limit", readExecute, "'E' 00000005 00"],
    ["an Execute with more", readExecute, "'E' 0000000a 00 00000000 00"],
    ["a Describe without a kind", readDescribe, "'D' 00000004"],
    ["a Close without a name", readClose, "'C' 00000005 'S'"],
  ])("%s", async (_name, read, dump) => {
    using connection = await logIn(server);
    connection.send(hex(dump));
    const theirs = await errorOf(connection);
    // PostgreSQL calls these an ERROR and waits for Sync; to whom frames are all there is, they are fatal.
    expect(refusalOf(() => readWhole(read, hex(dump)))).toMatchObject({
      sqlstate: theirs.sqlstate,
      message: theirs.message,
    });
  });

  test("a Bind with two formats for one parameter", async () => {
    using connection = await logIn(server);
    const bind = hex("'B' 00000014 00 00 0002 0000 0000 0001 ffffffff 0000");
    connection.send(
      written((it) => writeParse(it, { statement: "", query: "select $1", parameterTypeOids: [] })),
      bind,
    );
    const theirs = await errorOf(connection);
    expect(refusalOf(() => readWhole(readBind, bind))).toMatchObject({
      sqlstate: theirs.sqlstate,
      message: theirs.message,
    });
  });

  test.each([
    "-c work_mem",
    "-cwork_mem",
    "--work_mem",
    "--work-mem",
    "tenant",
    "-c",
    "-c work_mem=1MB -c",
    "--work_mem=1MB x",
  ])("options %j", async (options) => {
    using connection = await open(server, { parameters: [["options", options]] });
    const theirs = await errorOf(connection);
    expect(refusalOf(() => parseStartupOptions(options))).toEqual(told(theirs));
  });
});

describe("PostgreSQL reads options as we do", () => {
  test.each([
    "-c application_name=a",
    "-capplication_name=a=b",
    "--application-name=a-b",
    " \t-c application_name=a --application_name=b\n",
    String.raw`-c application_name=a\ b\\c\"d`,
    String.raw`-c application_name=\a`,
    "-c application_name=",
  ])("%j", async (options) => {
    using connection = await logIn(server, { parameters: [["options", options]] });
    connection.send(written((it) => writeQuery(it, "show application_name")));
    const row = messageOf(await connection.until(BACKEND.ReadyForQuery), BACKEND.DataRow);
    const shown = readText(row, 11, row.length);
    expect(parseStartupOptions(options).settings.at(-1)).toEqual(["application_name", shown]);
  });
});
