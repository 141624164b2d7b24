/**
 * Bytes on their way in one direction, and whether an end of the stream comes behind them.
 */

export class ByteStream {
  #chunks: Uint8Array[] = [];
  /** How much of the first chunk is taken already. */
  #offset = 0;
  #length = 0;
  ended = false;
  endDelivered = false;

  get length(): number {
    return this.#length;
  }

  /** Whether there is something to deliver, be it the end. */
  get ready(): boolean {
    return this.#length > 0 || (this.ended && !this.endDelivered);
  }

  /** Puts `bytes`, which nobody writes to any more, behind the others. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#length += bytes.length;
  }

  /** Takes so many bytes, or as many as there are, as a copy. */
  take(count: number): Uint8Array {
    const size = Math.min(count, this.#length);
    const taken = new Uint8Array(size);
    let at = 0;
    while (at < size) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) break;
      const end = Math.min(chunk.length, this.#offset + size - at);
      taken.set(chunk.subarray(this.#offset, end), at);
      at += end - this.#offset;
      this.#offset = end;
      if (end === chunk.length) this.#dropFirst();
    }
    this.#length -= size;
    return taken;
  }

  clear(): void {
    this.#chunks = [];
    this.#offset = 0;
    this.#length = 0;
  }

  #dropFirst(): void {
    this.#chunks.shift();
    this.#offset = 0;
  }
}
