import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  BODY_BYTES_MAX,
  DATA_BYTES_MAX,
  FRAME,
  HEADER_BYTES,
  OPEN_BYTES_MAX,
  writeHeader,
} from "../../src/link/frame.ts";
import { FrameReader, type FrameSink } from "../../src/link/frame-reader.ts";
import { LinkProtocolError } from "../../src/link/link-errors.ts";
import { TICKET_BYTES_MAX } from "../../src/net/channel.ts";

/** A header, and as much of a payload as there is. */
function frame(channel: number, kind: number, length: number, payload = length): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload).fill(kind);
  writeHeader(bytes, 0, channel, kind, length);
  return bytes;
}

/** Frames as one sees them, whatever the chunks. */
class Frames implements FrameSink {
  readonly seen: string[] = [];
  #data = 0;

  onData(
    channel: number,
    kind: number,
    _bytes: Uint8Array,
    start: number,
    end: number,
    isOver: boolean,
  ): void {
    this.#data += end - start;
    if (!isOver) return;
    this.seen.push(`${channel} ${kind} ${this.#data}`);
    this.#data = 0;
  }

  onFrame(channel: number, kind: number, _bytes: Uint8Array, start: number, end: number): void {
    this.seen.push(`${channel} ${kind} ${end - start}`);
  }
}

function read(chunks: readonly Uint8Array[]): readonly string[] {
  const frames = new Frames();
  const reader = new FrameReader(frames);
  for (const chunk of chunks) reader.feed(chunk, 0);
  return frames.seen;
}

const STREAM = Buffer.concat([
  frame(2, FRAME.open, 300),
  frame(2, FRAME.data, 60),
  frame(4, FRAME.dataInside, 0),
  frame(0xff_ff_ff_fe, FRAME.credit, 4),
  frame(2, FRAME.ask, 0),
  frame(2, FRAME.ticket, 0),
  frame(7, FRAME.answer, 70_000),
  frame(2, FRAME.data, DATA_BYTES_MAX),
  frame(2, FRAME.end, 1),
]);

describe("a stream of frames", () => {
  test("is the same however it is cut", () => {
    const whole = read([STREAM]);
    expect(whole).toHaveLength(9);
    expect(read(Array.from(STREAM, (byte) => Uint8Array.of(byte)))).toEqual(whole);
    fc.assert(
      fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 30 }), (cuts) => {
        const at = [0, ...cuts.toSorted((one, other) => one - other), STREAM.length];
        const chunks = at.slice(1).map((end, index) => STREAM.subarray(at[index], end));
        expect(read(chunks)).toEqual(whole);
      }),
    );
  });

  test("passes a channel's bytes on before their frame is over", () => {
    const frames = new Frames();
    const pieces: number[] = [];
    frames.onData = (_channel, _kind, _bytes, start, end) => pieces.push(end - start);
    const reader = new FrameReader(frames);
    reader.feed(frame(2, FRAME.data, 5000, 1000), 0);
    expect(pieces).toEqual([1000]);
    expect(reader.insideFrame).toBe(true);
  });

  test("ends where its reader is stopped, in the middle of a chunk", () => {
    const frames = new Frames();
    const reader = new FrameReader(frames);
    frames.onFrame = () => reader.stop();
    expect(reader.feed(STREAM, 0)).toBe(HEADER_BYTES + 300);
    expect(reader.feed(STREAM, 0)).toBe(0);
  });

  test("is refused before anything is kept for it where a length is not the kind's", () => {
    for (const [kind, length] of [
      [FRAME.data, DATA_BYTES_MAX + 1],
      [FRAME.dataInside, 0xff_ff_ff],
      [FRAME.lane, DATA_BYTES_MAX + 1],
      [FRAME.lane, 0],
      [FRAME.open, OPEN_BYTES_MAX + 1],
      [FRAME.open, 0],
      [FRAME.ticket, TICKET_BYTES_MAX + 1],
      [FRAME.hello, 4097],
      [FRAME.credit, 3],
      [FRAME.credit, 5],
      [FRAME.end, 0],
      [FRAME.end, 2],
      [FRAME.rest, 0],
      [FRAME.probe, 8],
      [FRAME.ask, 1],
      [FRAME.unanswered, 0],
      [FRAME.request, 1],
      [FRAME.answer, 0],
      [FRAME.notice, 0],
    ] as const)
      expect(() => read([frame(2, kind, length, 0)])).toThrow(LinkProtocolError);
    expect(BODY_BYTES_MAX).toBe(0xff_ff_ff);
  });

  test("is refused where a kind is none", () => {
    for (const kind of [0, 17, 128, 255])
      expect(() => read([frame(2, kind, 0)])).toThrow(LinkProtocolError);
  });

  test("is frames or a LinkProtocolError, whatever the bytes are", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 10 }), (chunks) => {
        try {
          read(chunks);
        } catch (error) {
          expect(error).toBeInstanceOf(LinkProtocolError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
