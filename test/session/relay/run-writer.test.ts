import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { type ByteSink, RunWriter } from "../../../src/session/relay/run-writer.ts";
import { joined } from "../support/frontend-messages.ts";

/** Takes everything; says "held back" from the write with this number on. */
class RecordingSink implements ByteSink {
  readonly writes: Uint8Array[] = [];
  readonly #acceptedWrites: number;

  constructor(acceptedWrites = Infinity) {
    this.#acceptedWrites = acceptedWrites;
  }

  write(bytes: Uint8Array, start: number, end: number): boolean {
    this.writes.push(bytes.slice(start, end));
    return this.writes.length <= this.#acceptedWrites;
  }

  get all(): Uint8Array {
    return joined(...this.writes);
  }
}

/** Bytes that differ from those of other seeds. */
function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index += 1) bytes[index] = index * 31 + seed * 7;
  return bytes;
}

const lengths = fc.oneof(
  fc.integer({ min: 0, max: 60 }),
  fc.integer({ min: 0, max: 3000 }),
  fc.constantFrom(16_383, 16_384, 16_385, 40_000, 65_536, 70_000),
);

const operations = fc.array(
  fc.record({
    kind: fc.constantFrom("next slice", "other chunk", "insert", "header"),
    length: lengths,
    gap: fc.nat(3),
  }),
  { maxLength: 40 },
);

describe("RunWriter", () => {
  test("writes all that was forwarded and inserted, in order, whatever the sizes", () => {
    fc.assert(
      fc.property(operations, (list) => {
        const writer = new RunWriter();
        const sink = new RecordingSink();
        const expected: Uint8Array[] = [];
        let chunk = pattern(200_000, 1);
        let at = 0;
        for (const [index, { kind, length, gap }] of list.entries()) {
          if (kind === "insert") {
            const inserted = pattern(length + 1, index);
            expected.push(inserted.slice(1));
            writer.insert(inserted, 1, inserted.length, sink);
            inserted.fill(0xee);
          } else if (kind === "header") {
            writer.insertHeader(0x42, length, sink);
            expected.push(headerOf(length));
          } else {
            if (kind === "other chunk" || at + gap + length > chunk.length) {
              chunk = pattern(200_000, index + 2);
              at = 0;
            }
            at += gap;
            expected.push(chunk.slice(at, at + length));
            writer.forward(chunk, at, at + length, sink);
            at += length;
          }
        }
        writer.flush(sink);
        expect(Buffer.compare(sink.all, joined(...expected))).toBe(0);
        expect(writer.empty).toBeTrue();
      }),
      { numRuns: 100 },
    );
  });

  test("writes neighbouring slices of a chunk once, and as they lie in it", () => {
    const writer = new RunWriter();
    const sink = new RecordingSink();
    const chunk = pattern(100_000, 1);
    for (let at = 0; at < chunk.length; at += 10) writer.forward(chunk, at, at + 10, sink);
    writer.flush(sink);
    expect(sink.writes).toHaveLength(1);
    expect(sink.all).toEqual(chunk);
  });

  test("writes small slices with something between them at once", () => {
    const writer = new RunWriter();
    const sink = new RecordingSink();
    const chunk = pattern(1000, 1);
    for (let at = 0; at < 1000; at += 100) {
      writer.forward(chunk, at, at + 50, sink);
      writer.insert(chunk, 0, 5, sink);
    }
    writer.flush(sink);
    expect(sink.writes).toHaveLength(1);
  });

  test("writes a long slice behind inserted bytes by itself, without a copy of it", () => {
    const writer = new RunWriter();
    const sink = new RecordingSink();
    const chunk = pattern(60_000, 1);
    writer.insert(pattern(10, 2), 0, 10, sink);
    writer.forward(chunk, 0, chunk.length, sink);
    writer.flush(sink);
    expect(sink.writes.map(({ length }) => length)).toEqual([10, 60_000]);
  });

  test("writes nothing where nothing was gathered", () => {
    const writer = new RunWriter();
    const sink = new RecordingSink(0);
    writer.forward(pattern(5, 1), 3, 3, sink);
    writer.insert(pattern(5, 1), 2, 2, sink);
    expect(writer.flush(sink)).toBeTrue();
    expect(sink.writes).toHaveLength(0);
  });

  test.each([10, 16_384, 16_385, 70_000])(
    "says that %d inserted bytes are held back, whichever write found out",
    (length) => {
      const writer = new RunWriter();
      const sink = new RecordingSink(0);
      writer.insert(pattern(length, 1), 0, length, sink);
      expect(writer.flush(sink)).toBeFalse();
      expect(writer.flush(new RecordingSink())).toBeTrue();
    },
  );

  test("says that bytes are held back when an earlier write of the chunk found out", () => {
    const writer = new RunWriter();
    const sink = new RecordingSink(0);
    const chunk = pattern(70_000, 1);
    writer.forward(chunk, 0, 30_000, sink);
    writer.insert(chunk, 0, 20_000, sink);
    expect(sink.writes.length).toBeGreaterThan(0);
    expect(writer.flush(sink)).toBeFalse();
  });

  test("forgets what was gathered when it is told to", () => {
    const writer = new RunWriter();
    const sink = new RecordingSink();
    writer.insert(pattern(10, 1), 0, 10, sink);
    writer.forward(pattern(10, 1), 0, 10, sink);
    expect(writer.empty).toBeFalse();
    writer.reset();
    expect(writer.empty).toBeTrue();
    writer.flush(sink);
    expect(sink.writes).toHaveLength(0);
  });
});

function headerOf(length: number): Uint8Array {
  return Uint8Array.of(0x42, length >>> 24, length >>> 16, length >>> 8, length);
}
