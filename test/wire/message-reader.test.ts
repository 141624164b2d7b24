import { describe, expect, test } from "bun:test";
import { AssertionError } from "../../src/base/assert.ts";
import { MessageReader } from "../../src/wire/message-reader.ts";
import { ProtocolError } from "../../src/wire/protocol-error.ts";

const bytes = Uint8Array.of(0x7f, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xfd, 0x61, 0, 0, 0, 0, 1, 0x62);

describe("MessageReader", () => {
  test("reads field after field", () => {
    const reader = new MessageReader(bytes, 0, bytes.length);
    expect(reader.byte()).toBe(0x7f);
    expect(reader.int16()).toBe(-2);
    expect(reader.int32()).toBe(-3);
    expect(reader.cstring()).toBe("a");
    expect(reader.at).toBe(9);
    expect(reader.value()).toEqual(Uint8Array.of(0x62));
    reader.finish();
  });

  test("hands out copies, so that the chunk can go", () => {
    const chunk = Uint8Array.of(1, 2, 3);
    const copy = new MessageReader(chunk, 0, 3).rest();
    chunk.fill(9);
    expect(copy).toEqual(Uint8Array.of(1, 2, 3));
    expect(copy.buffer.byteLength).toBe(3);
  });

  test("takes length -1 for NULL and length 0 for an empty value", () => {
    const reader = new MessageReader(Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0), 0, 8);
    expect(reader.value()).toBeNull();
    expect(reader.value()).toEqual(new Uint8Array(0));
  });
});

describe("MessageReader refuses, in PostgreSQL's words,", () => {
  const refusals: readonly [string, (reader: MessageReader) => unknown, string][] = [
    ["a byte behind the end", (reader) => reader.byte(), "no data left in message"],
    [
      "an Int16 that ends behind it",
      (reader) => reader.int16(),
      "insufficient data left in message",
    ],
    [
      "a Uint16 that ends behind it",
      (reader) => reader.uint16(),
      "insufficient data left in message",
    ],
    [
      "an Int32 that ends behind it",
      (reader) => reader.int32(),
      "insufficient data left in message",
    ],
    [
      "a Uint32 that ends behind it",
      (reader) => reader.uint32(),
      "insufficient data left in message",
    ],
    ["bytes that end behind it", (reader) => reader.bytes(1), "insufficient data left in message"],
    ["a string without its zero byte", (reader) => reader.cstring(), "invalid string in message"],
  ];
  test.each(refusals)("%s", (_name, read, message) => {
    const end = 3;
    for (const at of [end, end + 1]) {
      expect(() => read(new MessageReader(bytes, at, end))).toThrow(new ProtocolError(message));
    }
  });

  test("a value of negative length other than -1", () => {
    const reader = new MessageReader(Uint8Array.of(255, 255, 255, 254), 0, 4);
    expect(() => reader.value()).toThrow("insufficient data left in message");
  });

  test("a value whose length goes beyond the message, though not beyond the chunk", () => {
    const reader = new MessageReader(Uint8Array.of(0, 0, 0, 2, 1, 1), 0, 5);
    expect(() => reader.value()).toThrow("insufficient data left in message");
  });

  test("a value of 2 GB", () => {
    const reader = new MessageReader(Uint8Array.of(0x7f, 255, 255, 255, 1), 0, 5);
    expect(() => reader.value()).toThrow("insufficient data left in message");
  });

  test("a body that goes on behind its last field", () => {
    const reader = new MessageReader(bytes, 0, 3);
    reader.byte();
    expect(() => reader.finish()).toThrow(new ProtocolError("invalid message format"));
  });

  test("a header that claims more than the message has", () => {
    expect(() => new MessageReader(bytes, 5, 4).finish()).toThrow("invalid message format");
  });

  test("a message that does not lie in its chunk: our mistake", () => {
    expect(() => new MessageReader(bytes, 0, bytes.length + 1)).toThrow(AssertionError);
  });
});
