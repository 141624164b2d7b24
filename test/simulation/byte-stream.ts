/**
 * Bytes on their way in one direction, and whether an end of the stream comes behind them.
 */

/** Below this a loop is faster than `set`, for which a view must be made. */
const SHORT_BYTES = 60;

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
    const first = this.#chunks[0];
    if (first !== undefined && first.length - this.#offset >= size)
      return this.#takeOfFirst(first, size);
    const taken = new Uint8Array(size);
    let at = 0;
    while (at < size) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) break;
      const end = Math.min(chunk.length, this.#offset + size - at);
      copy(chunk, this.#offset, end, taken, at);
      at += end - this.#offset;
      this.#offset = end;
      if (end === chunk.length) this.#dropFirst();
    }
    this.#length -= size;
    return taken;
  }

  #takeOfFirst(first: Uint8Array, size: number): Uint8Array {
    const taken = first.slice(this.#offset, this.#offset + size);
    this.#offset += size;
    this.#length -= size;
    if (this.#offset === first.length) this.#dropFirst();
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

function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  if (end - start > SHORT_BYTES) to.set(from.subarray(start, end), at);
  else for (let index = start; index < end; index += 1) to[at + index - start] = from[index] ?? 0;
}
