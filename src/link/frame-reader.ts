/**
 * Cuts what comes in into frames, at whatever bytes the chunks are cut. Channels' bytes are passed on as they come;
 * only other frames are gathered until they are whole, under the limit of their kind.
 * It owns what it gathers; a sink that wants to keep bytes copies them, or keeps a part of a chunk.
 */

import { channelAt, HEADER_BYTES, isData, kindAt, lengthAt, mayHaveLength } from "./frame.ts";
import { LinkProtocolError } from "./link-errors.ts";

/** Where the frames go. May call {@link FrameReader.stop} from inside. */
export interface FrameSink {
  /** `bytes[start, end)` belong to `channel`; with them a frame of `kind` is over, or it goes on. */
  onData(
    channel: number,
    kind: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    isOver: boolean,
  ): void;
  /** A whole frame of another kind, with `bytes[start, end)` as its payload: valid during the call. */
  onFrame(channel: number, kind: number, bytes: Uint8Array, start: number, end: number): void;
}

const NOTHING = new Uint8Array(0);

export class FrameReader {
  readonly #sink: FrameSink;
  readonly #header = new Uint8Array(HEADER_BYTES);
  /** How much of the header is there; all of it while a payload is awaited. */
  #headerBytes = 0;
  #channel = 0;
  #kind = 0;
  /** What is missing of the payload. */
  #missing = 0;
  /** The payload of a frame that is gathered, and how much of it is there. */
  #payload = NOTHING;
  #payloadBytes = 0;
  #stopped = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Whether a frame has begun and is not over. */
  get insideFrame(): boolean {
    return this.#headerBytes > 0;
  }

  /** The channel whose bytes are cut here; 0: none's. */
  get unfinishedChannel(): number {
    return this.#headerBytes === HEADER_BYTES && isData(this.#kind) ? this.#channel : 0;
  }

  /** No frame comes any more: {@link feed} returns as soon as the sink does. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Reads `chunk` from `start` on. Returns how far it came: to the end, unless it was stopped.
   * @throws LinkProtocolError on a header that no link sends; what is in front of it has gone to the sink
   */
  feed(chunk: Uint8Array, start: number): number {
    let at = start;
    while (at < chunk.length && !this.#stopped) {
      if (this.#headerBytes === HEADER_BYTES) at = this.#readPayload(chunk, at);
      else if (this.#headerBytes === 0 && chunk.length - at >= HEADER_BYTES) {
        this.#begin(chunk, at);
        at = this.#readPayload(chunk, at + HEADER_BYTES);
      } else at = this.#readHeader(chunk, at);
    }
    return at;
  }

  /** Gathers a header that is cut. */
  #readHeader(chunk: Uint8Array, start: number): number {
    let at = start;
    while (at < chunk.length && this.#headerBytes < HEADER_BYTES) {
      this.#header[this.#headerBytes] = chunk[at] ?? 0;
      this.#headerBytes += 1;
      at += 1;
    }
    if (this.#headerBytes < HEADER_BYTES) return at;
    this.#begin(this.#header, 0);
    return this.#missing === 0 ? this.#readPayload(chunk, at) : at;
  }

  #begin(bytes: Uint8Array, at: number): void {
    const kind = kindAt(bytes, at);
    const length = lengthAt(bytes, at);
    if (!mayHaveLength(kind, length))
      throw new LinkProtocolError(`a frame of kind ${kind} with ${length} bytes came`);
    this.#headerBytes = HEADER_BYTES;
    this.#channel = channelAt(bytes, at);
    this.#kind = kind;
    this.#missing = length;
  }

  /** Returns where the frame ends, or the chunk. */
  #readPayload(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#missing);
    const isOver = end - at === this.#missing;
    if (isData(this.#kind)) {
      const channel = this.#channel;
      this.#missing -= end - at;
      if (isOver) this.#headerBytes = 0;
      if (isOver || end > at) this.#sink.onData(channel, this.#kind, chunk, at, end, isOver);
    } else if (isOver && this.#payloadBytes === 0) {
      this.#headerBytes = 0;
      this.#sink.onFrame(this.#channel, this.#kind, chunk, at, end);
    } else if (end > at) this.#gather(chunk, at, end);
    return end;
  }

  #gather(chunk: Uint8Array, at: number, end: number): void {
    if (this.#payloadBytes === 0) this.#payload = new Uint8Array(this.#missing);
    this.#payload.set(chunk.subarray(at, end), this.#payloadBytes);
    this.#payloadBytes += end - at;
    this.#missing -= end - at;
    if (this.#missing > 0) return;
    const payload = this.#payload;
    this.#payload = NOTHING;
    this.#payloadBytes = 0;
    this.#headerBytes = 0;
    this.#sink.onFrame(this.#channel, this.#kind, payload, 0, payload.length);
  }
}
