import { describe, expect, test } from "bun:test";
import { ReplyMatcher } from "../../bench/load/reply-matcher.ts";
import type { ReplyPart } from "../../bench/scenarios/scenario.ts";

const COMPLETE = Buffer.from("C\0\0\0\x0aBEGIN\0", "latin1");
const READY = Buffer.from("Z\0\0\0\x05T", "latin1");
const ROW = Buffer.from("D\0\0\0\x0b\0\x01\0\0\0\x01\x37", "latin1");
const PARTS: readonly ReplyPart[] = [{ type: "D" }, Buffer.concat([COMPLETE, READY])];
const REPLY = Buffer.concat([ROW, COMPLETE, READY]);

function matcherOf(parts: readonly ReplyPart[]): ReplyMatcher {
  const matcher = new ReplyMatcher();
  matcher.begin(parts);
  return matcher;
}

describe("ReplyMatcher", () => {
  test("takes any body of a message that varies", () => {
    for (const body of ["", "x", "\0\x01\0\0\0\x05hello", "x".repeat(70_000)]) {
      const header = Buffer.from("D\0\0\0\0");
      header.writeInt32BE(4 + body.length, 1);
      const reply = Buffer.concat([header, Buffer.from(body), COMPLETE, READY]);
      expect(matcherOf(PARTS).receive(reply)).toBe(true);
    }
  });

  test("comes to the same end wherever the reply is cut", () => {
    for (let cut = 0; cut <= REPLY.length; cut++) {
      const matcher = matcherOf(PARTS);
      const first = matcher.receive(REPLY.subarray(0, cut));
      const second = cut < REPLY.length ? matcher.receive(REPLY.subarray(cut)) : first;
      expect([first, second]).toEqual([cut === REPLY.length, true]);
    }
  });

  test("refuses another type where a message varies", () => {
    expect(() => matcherOf(PARTS).receive(REPLY.subarray(ROW.length))).toThrow("a message 'D'");
  });

  test.each([0, 3, -1, 2_000_000])("refuses length %p of a message that varies", (length) => {
    const header = Buffer.from("D\0\0\0\0");
    header.writeInt32BE(length, 1);
    expect(() => matcherOf(PARTS).receive(header)).toThrow("wrong reply");
  });

  test("refuses another transaction status behind a message that varies", () => {
    const wrong = Buffer.from(REPLY);
    wrong[wrong.length - 1] = 0x49;
    expect(() => matcherOf(PARTS).receive(wrong)).toThrow("wrong reply");
  });

  test("refuses a second row", () => {
    expect(() => matcherOf(PARTS).receive(Buffer.concat([ROW, REPLY]))).toThrow("wrong reply");
  });

  test("refuses what stands behind the whole reply", () => {
    const matcher = matcherOf(PARTS);
    matcher.receive(REPLY);
    expect(() => matcher.receive(READY)).toThrow("surplus bytes");
  });

  test("begins afresh with the next reply", () => {
    const matcher = matcherOf(PARTS);
    matcher.receive(REPLY.subarray(0, 3));
    matcher.begin([READY]);
    expect(matcher.receive(READY)).toBe(true);
  });
});
