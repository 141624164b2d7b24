import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { type FrameHandler, MessageFramer } from "../../src/session/message-framer.ts";
import { message } from "./support/backend-messages.ts";
import { joined } from "./support/frontend-messages.ts";

const BULK = 0x64;
const OTHER = 0x51;

/** Puts messages together again from whatever pieces they are handed over in. */
class Reassembler implements FrameHandler {
  /** Hex of each message that was handed over to its end; bulk runs are taken apart. */
  readonly messages: string[] = [];
  readonly malformed: number[] = [];
  /** Pieces of how many bytes each handed-over run had. */
  readonly pieces: number[] = [];
  /** How many bytes of each message are asked for before it is handed over. */
  needed: (messageBytes: number, available: number) => number = () => 0;
  /** Stop before the message with this number, counted from 0; once. */
  stopBefore = -1;
  asked = 0;
  #parts: Uint8Array[] = [];
  #left = 0;
  #count = 0;

  neededBytes(
    type: number,
    messageBytes: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    this.asked += 1;
    expect(bytes[start]).toBe(type);
    expect(end - start).toBeLessThan(messageBytes);
    return this.needed(messageBytes, end - start);
  }

  onMessage(
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    messageEnd: number,
  ): boolean {
    expect(this.#left).toBe(0);
    expect(bytes[start]).toBe(type);
    expect(end).toBeLessThanOrEqual(messageEnd);
    if (this.#count === this.stopBefore) {
      this.stopBefore = -1;
      return false;
    }
    this.#count += 1;
    this.#left = messageEnd - start;
    this.#add(bytes, start, end);
    return true;
  }

  onContinuation(bytes: Uint8Array, start: number, end: number): void {
    this.#add(bytes, start, end);
  }

  onMalformed(_type: number, messageBytes: number): void {
    this.malformed.push(messageBytes);
  }

  #add(bytes: Uint8Array, start: number, end: number): void {
    expect(end).toBeGreaterThan(start);
    this.pieces.push(end - start);
    this.#parts.push(bytes.slice(start, end));
    this.#left -= end - start;
    if (this.#left > 0) return;
    expect(this.#left).toBe(0);
    const run = Buffer.concat(this.#parts);
    this.#parts = [];
    for (let at = 0; at < run.length; at += 1 + run.readInt32BE(at + 1))
      this.messages.push(run.subarray(at, at + 1 + run.readInt32BE(at + 1)).toString("hex"));
  }
}

function framer(handler: FrameHandler, messageBytesMax = 1_000_000): MessageFramer {
  return new MessageFramer(handler, messageBytesMax, BULK);
}

const messages = fc.array(
  fc
    .tuple(fc.constantFrom(OTHER, BULK, BULK), fc.uint8Array({ maxLength: 40 }))
    .map(([type, body]) => message(type, body)),
  { maxLength: 20 },
);

/** How many bytes the handler wants, by the message's length: nothing, some, all. */
const needs = fc.constantFrom(
  () => 0,
  (messageBytes: number) => messageBytes,
  (messageBytes: number) => Math.min(messageBytes, 12),
  (messageBytes: number, available: number) =>
    available < 9 ? Math.min(messageBytes, available + 1) : 0,
);

/** Feeds `bytes` in chunks that end at these places. A socket has no empty chunks. */
function feedCut(target: MessageFramer, bytes: Uint8Array, places: readonly number[]): void {
  const cuts = [...places.map((place) => place % (bytes.length + 1)), bytes.length];
  let from = 0;
  for (const to of cuts.toSorted((a, b) => a - b)) {
    if (to > from) target.feed(bytes.slice(from, to));
    from = to;
  }
}

describe("MessageFramer", () => {
  test("hands over the same messages whole, byte by byte and at random cuts", () => {
    fc.assert(
      fc.property(
        messages,
        needs,
        fc.array(fc.nat(), { maxLength: 30 }),
        (list, needed, places) => {
          const bytes = joined(...list);
          const byByte = Array.from({ length: bytes.length }, (_, index) => index);
          for (const cuts of [[], byByte, places]) {
            const handler = new Reassembler();
            handler.needed = needed;
            const target = framer(handler);
            feedCut(target, bytes, cuts);
            expect(handler.messages).toEqual(list.map((one) => Buffer.from(one).toString("hex")));
            expect(handler.malformed).toEqual([]);
            expect(target.heldBytes).toBe(0);
            expect(target.insideMessage).toBeFalse();
          }
        },
      ),
    );
  });

  test("hands over the same messages when it is stopped and resumed in between", () => {
    fc.assert(
      fc.property(
        messages,
        fc.nat(20),
        fc.array(fc.nat(), { maxLength: 10 }),
        (list, stop, places) => {
          const bytes = joined(...list);
          const handler = new Reassembler();
          handler.stopBefore = stop;
          const target = framer(handler);
          feedCut(target, bytes, places);
          if (target.stopped) {
            expect(target.heldBytes).toBeGreaterThan(0);
            target.resume();
          }
          expect(target.stopped).toBeFalse();
          expect(handler.messages).toEqual(list.map((one) => Buffer.from(one).toString("hex")));
        },
      ),
    );
  });

  test("counts nothing of the message that it stopped before as read", () => {
    const handler = new Reassembler();
    handler.stopBefore = 1;
    const target = framer(handler);
    const [first, second] = [message(OTHER, "one"), message(OTHER, "two")];
    target.feed(joined(first, second));
    target.feed(second.slice(0, 3));
    expect(target.stopped).toBeTrue();
    expect(target.heldBytes).toBe(second.length + 3);
    expect(handler.messages).toHaveLength(1);
    expect(target.takeHeld()).toEqual(joined(second, second.slice(0, 3)));
    expect(target.heldBytes).toBe(0);
    expect(target.stopped).toBeFalse();
    expect(target.takeHeld()).toBeNull();
  });

  test("gives away the beginning of a message that it kept", () => {
    const target = framer(new Reassembler());
    target.feed(Uint8Array.of(OTHER, 0, 0));
    expect(target.takeHeld()).toEqual(Uint8Array.of(OTHER, 0, 0));
    expect(target.heldBytes).toBe(0);
  });

  test("hands whole messages of the bulk type over in one run", () => {
    const handler = new Reassembler();
    const rows = Array.from({ length: 5 }, (_, row) => message(BULK, `row ${row}`));
    framer(handler).feed(joined(message(OTHER), ...rows, message(OTHER)));
    expect(handler.pieces).toEqual([5, 50, 5]);
    expect(handler.messages).toHaveLength(7);
  });

  test("hands a long message over as it comes, without keeping it", () => {
    const handler = new Reassembler();
    const target = framer(handler);
    const long = message(OTHER, new Uint8Array(100_000));
    for (let at = 0; at < long.length; at += 1000) {
      target.feed(long.slice(at, at + 1000));
      expect(target.heldBytes).toBe(0);
    }
    expect(target.insideMessage).toBeFalse();
    expect(handler.pieces).toHaveLength(101);
    expect(handler.asked).toBe(1);
  });

  test("keeps a message that is wanted whole, and no more than that", () => {
    const handler = new Reassembler();
    handler.needed = (messageBytes) => messageBytes;
    const target = framer(handler);
    const long = message(OTHER, new Uint8Array(10_000));
    for (const [index, byte] of joined(long, message(OTHER)).slice(0, -1).entries()) {
      target.feed(Uint8Array.of(byte));
      expect(target.heldBytes).toBe((index + 1) % long.length);
    }
    expect(handler.pieces).toEqual([long.length]);
    expect(handler.asked).toBeLessThan(5);
  });

  test.each([
    ["0", [0, 0, 0, 0], 1],
    ["3, one less than its own field", [0, 0, 0, 3], 4],
    ["-1", [0xff, 0xff, 0xff, 0xff], 0],
    ["the lowest there is", [0x80, 0, 0, 0], 1 - 2 ** 31],
    ["the highest there is", [0x7f, 0xff, 0xff, 0xff], 2 ** 31],
    ["one above the limit", [0, 0, 0, 100], 101],
  ])("refuses a length of %s, and reads nothing after it", (_, length, messageBytes) => {
    for (const type of [OTHER, BULK]) {
      const handler = new Reassembler();
      const target = framer(handler, 100);
      target.feed(joined(message(type, "x"), Uint8Array.of(type, ...length), new Uint8Array(200)));
      target.feed(message(OTHER, "after"));
      expect(handler.malformed).toEqual([messageBytes]);
      expect(handler.messages).toHaveLength(1);
    }
  });

  test("takes a message of exactly the limit", () => {
    const handler = new Reassembler();
    framer(handler, 100).feed(
      joined(message(OTHER, new Uint8Array(95)), message(BULK, new Uint8Array(95))),
    );
    expect(handler.malformed).toEqual([]);
    expect(handler.messages).toHaveLength(2);
  });

  test("refuses a message above the limit inside a run, as it does alone", () => {
    const handler = new Reassembler();
    const target = framer(handler, 100);
    target.feed(
      joined(message(BULK, "row"), message(BULK, new Uint8Array(96)), message(BULK, "row")),
    );
    expect(handler.malformed).toEqual([101]);
    expect(handler.messages).toHaveLength(1);
  });

  test("must have stopped to be resumed", () => {
    expect(() => framer(new Reassembler()).resume()).toThrow("the framer has stopped");
  });
});
