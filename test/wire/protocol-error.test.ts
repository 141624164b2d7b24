import { describe, expect, test } from "bun:test";
import { PoolerError } from "../../src/base/pooler-error.ts";
import { ProtocolError } from "../../src/wire/protocol-error.ts";
import {
  protocolMajor,
  protocolMinor,
  protocolVersion,
  UnsupportedProtocolError,
} from "../../src/wire/protocol-version.ts";

describe("ProtocolError", () => {
  test("is fatal, 08P01", () => {
    const error = new ProtocolError("invalid message format");
    expect(error).toBeInstanceOf(PoolerError);
    expect([error.name, error.severity, error.sqlstate, error.message, error.logText]).toEqual([
      "ProtocolError",
      "FATAL",
      "08P01",
      "invalid message format",
      "invalid message format",
    ]);
  });

  test("carries detail, hint and a text for the log", () => {
    const error = new ProtocolError("m", { detail: "d", hint: "h", logText: "l" });
    expect([error.detail, error.hint, error.logText]).toEqual(["d", "h", "l"]);
  });
});

describe("protocol versions", () => {
  test("come apart as they were put together", () => {
    expect(protocolVersion(3, 2)).toBe(196_610);
    const odd = protocolVersion(0xffff, 0xfffe);
    expect([protocolMajor(odd), protocolMinor(odd)]).toEqual([0xffff, 0xfffe]);
  });

  test("that are not spoken are refused with 0A000, in PostgreSQL's words", () => {
    const error = new UnsupportedProtocolError(protocolVersion(2, 0));
    expect(error).toBeInstanceOf(ProtocolError);
    expect([error.severity, error.sqlstate]).toEqual(["FATAL", "0A000"]);
    expect(error.message).toBe("unsupported frontend protocol 2.0: server supports 3.0 to 3.2");
  });
});
