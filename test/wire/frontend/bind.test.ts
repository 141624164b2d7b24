import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { ByteWriter } from "../../../src/wire/byte-writer.ts";
import {
  readBind,
  readBindNames,
  writeBind,
  writeBindHead,
} from "../../../src/wire/frontend/bind.ts";
import { ProtocolError } from "../../../src/wire/protocol-error.ts";
import { text, values } from "../arbitraries.ts";
import { hex, readWhole, written } from "../hex.ts";

const BIND = hex(
  "'B' 0000001f 'p' 00 's1' 00 0001 0001 0002 ffffffff 00000002 'xy' 0002 0000 0001",
);

describe("Bind", () => {
  test("has the bytes of the protocol docs", () => {
    const bind = {
      portal: "p",
      statement: "s1",
      parameterFormats: [1],
      parameters: [null, Uint8Array.of(0x78, 0x79)],
      resultFormats: [0, 1],
    } as const;
    expect(written((it) => writeBind(it, bind))).toEqual(BIND);
    expect(readWhole(readBind, BIND)).toEqual({
      ...bind,
      parameterFormats: [1],
      resultFormats: [0, 1],
      parameters: [...bind.parameters],
    });
  });

  test("tells its names before its parameters have arrived", () => {
    expect(readBindNames(BIND, 0, 10)).toEqual({ portal: "p", statement: "s1" });
  });
});

describe("Bind is refused", () => {
  const names = "'p' 00 's' 00";
  test.each([
    ["without a statement", "'B' 00000006 'p' 00", "invalid string in message"],
    ["with bytes behind it", `'B' 0000000f ${names} 0000 0000 0000 00`, "invalid message format"],
    [
      "with an unknown format",
      `'B' 00000010 ${names} 0001 0002 0000 0000`,
      "unsupported format code",
    ],
    [
      "with a parameter of length -2",
      `'B' 00000012 ${names} 0000 0001 fffffffe 0000`,
      "insufficient data left in message",
    ],
    [
      "with a parameter that is longer than it",
      `'B' 00000012 ${names} 0000 0001 7fffffff 0000`,
      "insufficient data left in message",
    ],
    [
      "with two formats for one parameter",
      `'B' 00000016 ${names} 0002 0000 0000 0001 ffffffff 0000`,
      "bind message has 2 parameter formats but 1 parameters",
    ],
  ])("%s", (_name, dump, message) => {
    expect(() => readWhole(readBind, hex(dump))).toThrow(new ProtocolError(message));
  });

  test("by name while its names have not arrived", () => {
    for (let end = 5; end < 10; end++) {
      expect(() => readBindNames(BIND, 0, end)).toThrow("invalid string in message");
    }
  });
});

describe("writeBindHead", () => {
  test("gives a Bind another statement and leaves the rest as it is", () => {
    fc.assert(
      fc.property(text, text, text, values, (portal, from, to, parameters) => {
        const bind = { portal, parameterFormats: [], parameters, resultFormats: [] };
        const before = written((it) => writeBind(it, { ...bind, statement: from }));
        const after = written((it) => writeBind(it, { ...bind, statement: to }));
        const writer = new ByteWriter();
        const rest = writeBindHead(writer, before, 0, before.length, to);
        writer.bytes(before, rest);
        expect(writer.take()).toEqual(after);
      }),
    );
  });

  test("needs no more than the names, anywhere in a chunk", () => {
    const chunk = Uint8Array.from([9, 9, ...BIND.subarray(0, 10)]);
    const writer = new ByteWriter();
    expect(writeBindHead(writer, chunk, 2, chunk.length, "longer")).toBe(chunk.length);
    expect(writer.take()).toEqual(hex("'B' 00000023 'p' 00 'longer' 00"));
  });

  test("refuses names that have not arrived, and writes nothing", () => {
    const writer = new ByteWriter();
    for (let end = 5; end < 10; end++) {
      expect(() => writeBindHead(writer, BIND, 0, end, "x")).toThrow(ProtocolError);
    }
    expect(writer.length).toBe(0);
  });

  test("refuses names that go on behind the message's own end, in the next one", () => {
    const glued = hex("'B' 00000006 'p' 00 'S' 00000004");
    const writer = new ByteWriter();
    expect(() => writeBindHead(writer, glued, 0, glued.length, "x")).toThrow(ProtocolError);
    expect(writer.length).toBe(0);
  });

  test("refuses a Bind that the longer name would make too long", () => {
    const bind = hex("'B' 3ffffffe 00 00");
    const writer = new ByteWriter();
    expect(() => writeBindHead(writer, bind, 0, bind.length, "x")).toThrow(
      "invalid message length",
    );
    expect(writer.length).toBe(0);
  });
});
