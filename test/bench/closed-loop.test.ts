import { describe, expect, test } from "bun:test";
import { ClosedLoop } from "../../bench/load/closed-loop.ts";

const EXCHANGES = [
  { request: Buffer.from("begin"), reply: Buffer.from("C\0\0\0\x0aBEGIN\0Z\0\0\0\x05T", "latin1") },
  { request: Buffer.from("commit"), reply: Buffer.from("Z\0\0\0\x05I", "latin1") },
] as const;
const [BEGIN, COMMIT] = EXCHANGES;

function startLoop(): { readonly loop: ClosedLoop; readonly sent: string[] } {
  const sent: string[] = [];
  const loop = new ClosedLoop(EXCHANGES, (bytes) => sent.push(bytes.toString()));
  loop.begin();
  return { loop, sent };
}

describe("ClosedLoop", () => {
  test("sends the next request when the reply is complete, and is done after the last", () => {
    const { loop, sent } = startLoop();
    expect(loop.receive(BEGIN.reply)).toBe(false);
    expect(sent).toEqual(["begin", "commit"]);
    expect(loop.receive(COMMIT.reply)).toBe(true);
    loop.begin();
    expect(sent).toEqual(["begin", "commit", "begin"]);
  });

  test("takes replies byte by byte", () => {
    const { loop, sent } = startLoop();
    const whole = Buffer.concat([BEGIN.reply, COMMIT.reply]);
    const done = [...whole].map((byte) => loop.receive(Buffer.from([byte])));
    expect(done.indexOf(true)).toBe(whole.length - 1);
    expect(sent).toEqual(["begin", "commit"]);
  });

  test("refuses a wrong byte wherever it stands", () => {
    for (let offset = 0; offset < BEGIN.reply.length; offset++) {
      const wrong = Buffer.from(BEGIN.reply);
      wrong[offset] = 0x7f;
      expect(() => startLoop().loop.receive(wrong)).toThrow("wrong reply");
    }
  });

  test("refuses a wrong byte behind a part that was right", () => {
    const { loop } = startLoop();
    loop.receive(BEGIN.reply.subarray(0, 3));
    expect(() => loop.receive(BEGIN.reply.subarray(0, 3))).toThrow("wrong reply");
  });

  test("refuses surplus bytes, even those of the next reply", () => {
    const { loop } = startLoop();
    const both = Buffer.concat([BEGIN.reply, COMMIT.reply]);
    expect(() => loop.receive(both)).toThrow("wrong reply");
  });

  test("refuses bytes after the last reply", () => {
    const { loop } = startLoop();
    loop.receive(BEGIN.reply);
    loop.receive(COMMIT.reply);
    expect(() => loop.receive(COMMIT.reply)).toThrow("nobody asked for");
  });

  test("says what an ErrorResponse says", () => {
    const fields = "SERROR\0C53300\0Mtoo many clients already\0\0";
    const error = Buffer.from(`E\0\0\0${String.fromCharCode(fields.length + 4)}${fields}`);
    expect(() => startLoop().loop.receive(error)).toThrow("53300: too many clients already");
  });
});
