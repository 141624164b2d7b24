import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { AssertionError } from "../../src/base/assert.ts";
import { ByteWriter } from "../../src/wire/byte-writer.ts";
import { readText } from "../../src/wire/bytes.ts";
import { ProtocolError } from "../../src/wire/protocol-error.ts";

describe("ByteWriter", () => {
  test("writes numbers big-endian, negative ones too", () => {
    const writer = new ByteWriter();
    writer.byte(0x1ff);
    writer.int16(-2);
    writer.int32(-3);
    writer.int32(0xfedc_ba98);
    expect(writer.take()).toEqual(
      Uint8Array.of(0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xfd, 0xfe, 0xdc, 0xba, 0x98),
    );
  });

  test("fills in the length of a message: itself and the body, not the type", () => {
    const writer = new ByteWriter();
    writer.begin(0x51);
    writer.cstring("ab");
    writer.end();
    writer.beginUntyped();
    writer.int32(7);
    writer.end();
    expect(writer.take()).toEqual(
      Uint8Array.of(0x51, 0, 0, 0, 7, 0x61, 0x62, 0, 0, 0, 0, 8, 0, 0, 0, 7),
    );
  });

  test("counts bytes that the caller sends behind the message", () => {
    const writer = new ByteWriter();
    writer.begin(0x42);
    writer.end(300);
    expect(writer.take()).toEqual(Uint8Array.of(0x42, 0, 0, 0x01, 0x30));
  });

  test("grows from nothing, keeping what is there", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 20 }), (pieces) => {
        const writer = new ByteWriter(0);
        for (const piece of pieces) writer.bytes(piece);
        expect([...writer.take()]).toEqual(pieces.flatMap((piece) => [...piece]));
      }),
    );
  });

  test("writes texts that readText reads back, long and short, of any script", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 120 }), (text) => {
        const writer = new ByteWriter(1);
        writer.text(text);
        const bytes = writer.take();
        expect(bytes).toEqual(new Uint8Array(new TextEncoder().encode(text)));
        expect(readText(bytes, 0, bytes.length)).toBe(text);
      }),
    );
  });

  test("writes back the very bytes of a text that was not UTF-8", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const writer = new ByteWriter();
        writer.text(readText(bytes, 0, bytes.length));
        expect([...writer.take()]).toEqual([...bytes]);
      }),
    );
  });

  test("sizes a text by its bytes, not by its characters", () => {
    const writer = new ByteWriter();
    writer.sizedText("é");
    expect(writer.take()).toEqual(Uint8Array.of(0, 0, 0, 2, 0xc3, 0xa9));
  });

  test("appends a part of an array", () => {
    const writer = new ByteWriter();
    writer.bytes(Uint8Array.of(1, 2, 3, 4), 1, 3);
    expect(writer.take()).toEqual(Uint8Array.of(2, 3));
  });

  test("gives away a copy that later writes do not touch", () => {
    const writer = new ByteWriter();
    writer.byte(1);
    const taken = writer.take();
    writer.byte(2);
    expect(taken).toEqual(Uint8Array.of(1));
    expect(writer.view()).toEqual(Uint8Array.of(2));
  });

  test("lends its own buffer without a copy", () => {
    const writer = new ByteWriter(8);
    writer.byte(1);
    const view = writer.view();
    writer.reset();
    writer.byte(2);
    expect(view).toEqual(Uint8Array.of(2));
  });

  test("does not keep the buffer of one huge message", () => {
    const writer = new ByteWriter(16);
    writer.bytes(new Uint8Array(1_000_000));
    writer.reset();
    writer.byte(1);
    expect(writer.view().buffer.byteLength).toBe(16);
  });

  test("keeps a buffer of ordinary size", () => {
    const writer = new ByteWriter(16);
    writer.bytes(new Uint8Array(4096));
    const { buffer } = writer.view();
    writer.reset();
    expect(writer.view().buffer).toBe(buffer);
  });
});

describe("ByteWriter refuses", () => {
  test("a string with a zero byte in it, of which it writes nothing", () => {
    const writer = new ByteWriter();
    expect(() => writer.cstring("user\0admin")).toThrow(ProtocolError);
    expect(writer.length).toBe(0);
  });

  test("a message inside a message", () => {
    const writer = new ByteWriter();
    writer.begin(0x51);
    expect(() => writer.begin(0x51)).toThrow(AssertionError);
    expect(() => writer.beginUntyped()).toThrow(AssertionError);
  });

  test("the end of a message that was not begun", () => {
    expect(() => new ByteWriter().end()).toThrow(AssertionError);
  });

  test("to give away or lend a message that has no length yet", () => {
    const writer = new ByteWriter();
    writer.begin(0x51);
    expect(() => writer.take()).toThrow(AssertionError);
    expect(() => writer.view()).toThrow(AssertionError);
  });

  test("a message longer than PostgreSQL takes", () => {
    const writer = new ByteWriter();
    writer.begin(0x42);
    expect(() => writer.end(0x3fff_fffe)).toThrow(AssertionError);
  });

  test("a range outside its source", () => {
    const writer = new ByteWriter();
    expect(() => writer.bytes(Uint8Array.of(1, 2), 1, 3)).toThrow(AssertionError);
    expect(() => writer.bytes(Uint8Array.of(1, 2), 2, 1)).toThrow(AssertionError);
    expect(() => writer.bytes(Uint8Array.of(1, 2), -1, 1)).toThrow(AssertionError);
  });

  test("nothing after a reset: an open message is forgotten", () => {
    const writer = new ByteWriter();
    writer.begin(0x51);
    writer.reset();
    writer.begin(0x53);
    writer.end();
    expect(writer.take()).toEqual(Uint8Array.of(0x53, 0, 0, 0, 4));
  });
});
