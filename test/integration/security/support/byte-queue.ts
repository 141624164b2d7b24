/**
 * What a stream has brought, to be taken in the portions that the protocol has.
 */

import type { Duplex } from "node:stream";

/** A portion: a whole message with its header, or bytes that stand alone. */
export type Bytes = Uint8Array;

const HEADER_BYTES = 5;

export class ByteQueue {
  #bytes = Buffer.alloc(0);
  #ended = false;
  #wake: (() => void) | null = null;

  constructor(stream: Duplex) {
    const end = () => {
      this.#ended = true;
      this.#wake?.();
    };
    stream.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#wake?.();
    });
    stream.on("end", end);
    stream.on("close", end);
    stream.on("error", end); // a reset is an end as well
  }

  /** The next `count` bytes; null where the stream ends before. */
  async take(count: number): Promise<Bytes | null> {
    while (this.#bytes.length < count) {
      if (this.#ended) return null;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      // oxlint-disable-next-line no-await-in-loop -- chunk after chunk
      await promise;
    }
    const taken = this.#bytes.subarray(0, count);
    this.#bytes = this.#bytes.subarray(count);
    return taken;
  }

  /** The next message, header included; null at the end of the stream. */
  async takeMessage(): Promise<Bytes | null> {
    const header = await this.take(HEADER_BYTES);
    if (header === null) return null;
    const body = await this.take(Buffer.from(header).readUInt32BE(1) + 1 - HEADER_BYTES);
    return body === null ? null : Buffer.concat([header, body]);
  }

  /** Everything up to the end of the stream. */
  async takeAll(): Promise<Bytes> {
    await this.take(Number.POSITIVE_INFINITY);
    return this.#bytes;
  }
}
