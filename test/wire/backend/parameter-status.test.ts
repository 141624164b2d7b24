import { describe, expect, test } from "bun:test";
import {
  readParameterStatus,
  writeParameterStatus,
} from "../../../src/wire/backend/parameter-status.ts";
import { ProtocolError } from "../../../src/wire/protocol-error.ts";
import { hex, readWhole, written } from "../hex.ts";

describe("ParameterStatus", () => {
  test("has the bytes of the protocol docs", () => {
    const bytes = hex("'S' 0000000e 'a.b' 00 'on, x' 00");
    expect(written((it) => writeParameterStatus(it, "a.b", "on, x"))).toEqual(bytes);
    expect(readWhole(readParameterStatus, bytes)).toEqual({ name: "a.b", value: "on, x" });
  });

  test("is not written with a zero byte in its value: it would be a second message's text", () => {
    expect(() => written((it) => writeParameterStatus(it, "a", "b\0c"))).toThrow(ProtocolError);
  });

  test.each([
    ["no value", "'S' 00000006 'a' 00", "invalid string in message"],
    ["two values", "'S' 0000000a 'a' 00 'b' 00 'c' 00", "invalid message format"],
    ["no name", "'S' 00000004", "invalid string in message"],
  ])("is refused with %s", (_name, dump, message) => {
    expect(() => readWhole(readParameterStatus, hex(dump))).toThrow(message);
  });

  test("is refused when it is longer than libpq takes it", () => {
    const long = written((it) => writeParameterStatus(it, "a", "b".repeat(29_994)));
    expect(() => readWhole(readParameterStatus, long)).toThrow("invalid message length");
    const longest = written((it) => writeParameterStatus(it, "a", "b".repeat(29_993)));
    expect(readWhole(readParameterStatus, longest).value).toHaveLength(29_993);
  });
});
