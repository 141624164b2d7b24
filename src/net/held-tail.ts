/**
 * The unsent rest of a write: Bun's `write` takes what the kernel takes and keeps nothing.
 * It owns a copy of the bytes. A transport has one only while its peer reads too slowly.
 */

/** The part of a socket that a tail needs: returns how many bytes it took, or a negative number once closed. */
export interface ByteSink {
  write(bytes: Uint8Array, offset: number, length: number): number;
}

export class HeldTail {
  #bytes: Uint8Array;
  #start: number;
  #end: number;

  /** Copies `bytes[start, end)`: exactly, since a caller who heeds backpressure adds little. */
  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = new Uint8Array(end - start);
    this.#bytes.set(bytes.subarray(start, end));
    this.#start = 0;
    this.#end = end - start;
  }

  get length(): number {
    return this.#end - this.#start;
  }

  /** Copies `bytes[start, end)` behind what is held. */
  append(bytes: Uint8Array, start: number, end: number): void {
    const added = end - start;
    if (this.#bytes.length - this.#end < added) this.#makeRoom(added);
    this.#bytes.set(bytes.subarray(start, end), this.#end);
    this.#end += added;
  }

  /** Offers the tail to `sink` once and forgets what it took. Returns how many bytes that were. */
  flushTo(sink: ByteSink): number {
    const taken = Math.max(0, sink.write(this.#bytes, this.#start, this.length));
    this.#start += taken;
    return taken;
  }

  /** Doubles at least, so that many small writes behind a slow reader cost amortised constant time. */
  #makeRoom(added: number): void {
    const { length } = this;
    const capacity = Math.max(length + added, 2 * length);
    const grown = new Uint8Array(capacity);
    grown.set(this.#bytes.subarray(this.#start, this.#end));
    this.#bytes = grown;
    this.#start = 0;
    this.#end = length;
  }
}
