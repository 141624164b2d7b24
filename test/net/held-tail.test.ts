import { describe, expect, test } from "bun:test";
import { type ByteSink, HeldTail } from "../../src/net/held-tail.ts";
import { ascii, patterned } from "./support/bytes.ts";

/** A sink that takes so many bytes at each write, as a kernel does. */
class Sink implements ByteSink {
  #taken = "";
  readonly #perWrite: number;

  constructor(perWrite: number) {
    this.#perWrite = perWrite;
  }

  get taken(): string {
    return this.#taken;
  }

  write(bytes: Uint8Array, offset: number, length: number): number {
    const count = Math.min(this.#perWrite, length);
    if (count > 0)
      this.#taken += Buffer.from(bytes.subarray(offset, offset + count)).toString("latin1");
    return count;
  }
}

describe("HeldTail", () => {
  test("gives back what it holds in order, however little is taken at a time", () => {
    const tail = new HeldTail(ascii("0123456789"), 2, 6);
    const sink = new Sink(3);
    expect(tail.flushTo(sink)).toBe(3);
    tail.append(ascii("abcdef"), 1, 4);
    tail.append(ascii("x"), 0, 1);
    expect(tail.length).toBe(5);
    while (tail.length > 0) tail.flushTo(sink);
    expect(sink.taken).toBe("2345bcdx");
  });

  test("is not changed by what the caller does with the bytes afterwards", () => {
    for (const bytes of [ascii("hold"), new Uint8Array(ascii("hold"))]) {
      const tail = new HeldTail(bytes, 0, 4);
      tail.append(bytes, 0, 4);
      bytes.fill(0);
      const sink = new Sink(100);
      tail.flushTo(sink);
      expect(sink.taken).toBe("holdhold");
    }
  });

  test("keeps everything when the sink takes nothing or is closed", () => {
    const tail = new HeldTail(ascii("hold"), 0, 4);
    expect(tail.flushTo(new Sink(0))).toBe(0);
    expect(tail.flushTo(new Sink(-1))).toBe(0);
    expect(tail.length).toBe(4);
  });

  test("agrees with plain concatenation for any cuts", () => {
    const source = patterned(5000);
    const tail = new HeldTail(source, 0, 1);
    const sink = new Sink(7);
    let next = 1;
    for (let step = 1; next < source.length; step += 1) {
      const end = Math.min(source.length, next + ((step * 37) % 23));
      tail.append(source, next, end);
      next = end;
      tail.flushTo(sink);
    }
    while (tail.length > 0) tail.flushTo(sink);
    expect(sink.taken).toBe(Buffer.from(source).toString("latin1"));
  });
});
