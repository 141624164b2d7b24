import { describe, expect, test } from "bun:test";
import { AssertionError } from "../../../src/base/assert.ts";
import {
  MissingUserNameError,
  readStartupMessage,
  startupParameter,
  writeStartupMessage,
} from "../../../src/wire/frontend/startup-message.ts";
import { ProtocolError } from "../../../src/wire/protocol-error.ts";
import { UnsupportedProtocolError } from "../../../src/wire/protocol-version.ts";
import { hex, readWhole, written } from "../hex.ts";

/** A packet of protocol 3.0 with this body. */
function packet(body: string): Uint8Array {
  const bytes = hex(`00000000 00030000 ${body}`);
  new DataView(bytes.buffer).setInt32(0, bytes.length);
  return bytes;
}

const LAYOUT = "invalid startup packet layout: expected terminator as last byte";

describe("StartupMessage", () => {
  test("has the bytes of the protocol docs", () => {
    const bytes = hex(
      "00000026 00030002 'user' 00 'ann' 00 'database' 00 'shop' 00 '_pq_.x' 00 '1' 00 00",
    );
    new DataView(bytes.buffer).setInt32(0, bytes.length);
    const message = {
      major: 3,
      minor: 2,
      parameters: [
        ["user", "ann"],
        ["database", "shop"],
      ],
      protocolOptions: [["_pq_.x", "1"]],
    } as const;
    expect(written((it) => writeStartupMessage(it, message))).toEqual(bytes);
    const read = readWhole(readStartupMessage, bytes);
    expect(read.parameters).toEqual([...message.parameters]);
    expect(read.protocolOptions).toEqual([...message.protocolOptions]);
    expect([read.major, read.minor]).toEqual([3, 2]);
  });

  test("keeps the client's order and names, and tells the last value of a setting given twice", () => {
    const message = readWhole(
      readStartupMessage,
      packet("'TimeZone' 00 'UTC' 00 'user' 00 'ann' 00 'TimeZone' 00 'CET' 00 00"),
    );
    expect(message.parameters.map(([name]) => name)).toEqual(["TimeZone", "user", "TimeZone"]);
    expect(startupParameter(message, "TimeZone")).toBe("CET");
    expect(startupParameter(message, "timezone")).toBeUndefined();
  });

  test("may hold empty values", () => {
    const message = readWhole(readStartupMessage, packet("'user' 00 'ann' 00 'database' 00 00 00"));
    expect(startupParameter(message, "database")).toBe("");
  });

  test("keeps protocol options out of the session's parameters", () => {
    const message = readWhole(readStartupMessage, packet("'_pq_.a' 00 'x' 00 'user' 00 'a' 00 00"));
    expect(startupParameter(message, "_pq_.a")).toBeUndefined();
    expect(message.protocolOptions).toEqual([["_pq_.a", "x"]]);
  });
});

describe("StartupMessage is refused", () => {
  test.each([
    ["without a body", ""],
    ["without its terminator", "'user' 00 'ann' 00"],
    ["cut inside a value", "'user' 00 'ann'"],
    ["cut behind a name", "'user' 00"],
    ["cut inside a name", "'us'"],
    ["with a name that has no value but the terminator", "'user' 00 'ann' 00 'database' 00"],
    ["with bytes behind its terminator", "'user' 00 'ann' 00 00 00"],
    ["with an empty name and more behind it", "00 'user' 00 'ann' 00 00"],
    ["with another last byte than the terminator", "'user' 00 'ann' 00 'x'"],
  ])("%s", (_name, body) => {
    expect(() => readWhole(readStartupMessage, packet(body))).toThrow(new ProtocolError(LAYOUT));
  });

  test.each(["00", "'user' 00 00 00", "'database' 00 'shop' 00 00", "'_pq_.user' 00 'a' 00 00"])(
    "without a user: %s",
    (body) => {
      expect(() => readWhole(readStartupMessage, packet(body))).toThrow(MissingUserNameError);
    },
  );

  test("without a user with 28000, in PostgreSQL's words", () => {
    const error = new MissingUserNameError();
    expect([error.severity, error.sqlstate, error.message]).toEqual([
      "FATAL",
      "28000",
      "no PostgreSQL user name specified in startup packet",
    ]);
  });

  test.each(["user", "database", "options", "replication"])("with %s given twice", (name) => {
    const body = `'user' 00 'ann' 00 '${name}' 00 'x' 00 '${name}' 00 'x' 00 00`;
    expect(() => readWhole(readStartupMessage, packet(body))).toThrow("is given twice");
  });

  test("in a version of another protocol", () => {
    const bytes = packet("'user' 00 'ann' 00 00");
    bytes[5] = 2;
    expect(() => readWhole(readStartupMessage, bytes)).toThrow(UnsupportedProtocolError);
  });

  test("when it is longer than PostgreSQL takes it", () => {
    const longest = packet(`'user' 00 '${"a".repeat(10_004 - 8 - 7)}' 00 00`);
    expect(longest).toHaveLength(10_004);
    expect(readWhole(readStartupMessage, longest).parameters).toHaveLength(1);
    const tooLong = packet(`'user' 00 '${"a".repeat(10_005 - 8 - 7)}' 00 00`);
    expect(() => readWhole(readStartupMessage, tooLong)).toThrow(
      "invalid length of startup packet",
    );
  });

  test("to be written with an empty name: it would end the list", () => {
    const message = { major: 3, minor: 0, parameters: [["", "x"]], protocolOptions: [] } as const;
    expect(() => written((it) => writeStartupMessage(it, message))).toThrow(AssertionError);
  });
});
