import { describe, expect, test } from "bun:test";
import { ClosedLoop } from "../../bench/load/closed-loop.ts";
import type { Exchange } from "../../bench/scenarios/scenario.ts";

const BEGIN = Buffer.from("C\0\0\0\x0aBEGIN\0Z\0\0\0\x05T", "latin1");
const COMMIT = Buffer.from("Z\0\0\0\x05I", "latin1");
const EXCHANGES = [
  { request: Buffer.from("begin"), reply: [BEGIN] },
  { request: Buffer.from("commit"), reply: [COMMIT] },
];

function startLoop(
  rounds: readonly (readonly Exchange[])[] = [EXCHANGES],
  first = 0,
): { readonly loop: ClosedLoop; readonly sent: string[] } {
  const sent: string[] = [];
  const loop = new ClosedLoop(rounds, (bytes) => sent.push(bytes.toString()), first);
  loop.begin();
  return { loop, sent };
}

describe("ClosedLoop", () => {
  test("sends the next request when the reply is complete, and is done after the last", () => {
    const { loop, sent } = startLoop();
    expect(loop.receive(BEGIN)).toBe(false);
    expect(sent).toEqual(["begin", "commit"]);
    expect(loop.receive(COMMIT)).toBe(true);
    loop.begin();
    expect(sent).toEqual(["begin", "commit", "begin"]);
  });

  test("lets rounds take turns from the one it is told, and begins again behind the last", () => {
    const rounds = ["a", "b", "c"].map((name) => [{ request: Buffer.from(name), reply: [COMMIT] }]);
    const { loop, sent } = startLoop(rounds, 1);
    for (let round = 0; round < 3; round++) {
      expect(loop.receive(COMMIT)).toBe(true);
      loop.begin();
    }
    expect(sent).toEqual(["b", "c", "a", "b"]);
  });

  test("refuses an empty round", () => {
    expect(() => startLoop([[]])).toThrow("empty");
  });

  test("takes replies byte by byte", () => {
    const { loop, sent } = startLoop();
    const whole = Buffer.concat([BEGIN, COMMIT]);
    const done = [...whole].map((byte) => loop.receive(Buffer.from([byte])));
    expect(done.indexOf(true)).toBe(whole.length - 1);
    expect(sent).toEqual(["begin", "commit"]);
  });

  test("refuses a wrong byte wherever it stands", () => {
    for (let offset = 0; offset < BEGIN.length; offset++) {
      const wrong = Buffer.from(BEGIN);
      wrong[offset] = 0x7f;
      expect(() => startLoop().loop.receive(wrong)).toThrow("wrong reply");
    }
  });

  test("refuses a wrong byte behind a part that was right", () => {
    const { loop } = startLoop();
    loop.receive(BEGIN.subarray(0, 3));
    expect(() => loop.receive(BEGIN.subarray(0, 3))).toThrow("wrong reply");
  });

  test("refuses surplus bytes, even those of the next reply", () => {
    const { loop } = startLoop();
    const both = Buffer.concat([BEGIN, COMMIT]);
    expect(() => loop.receive(both)).toThrow("surplus bytes");
  });

  test("refuses bytes after the last reply", () => {
    const { loop } = startLoop();
    loop.receive(BEGIN);
    loop.receive(COMMIT);
    expect(() => loop.receive(COMMIT)).toThrow("surplus bytes");
  });

  test("says what an ErrorResponse says", () => {
    const fields = "SERROR\0C53300\0Mtoo many clients already\0\0";
    const error = Buffer.from(`E\0\0\0${String.fromCharCode(fields.length + 4)}${fields}`);
    expect(() => startLoop().loop.receive(error)).toThrow("53300: too many clients already");
  });
});
