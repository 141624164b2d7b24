/**
 * Gathers what one chunk turns into (slices of it, and bytes put between them) so that it leaves in
 * as few writes as can be: Bun has no writev, and each write is a system call.
 *
 * Neighbouring slices stay one slice of the chunk and are never copied; only where something stands
 * between them do they go through the scratch buffer. One writer serves a whole worker: it is empty
 * between two chunks, and `sink.write` copies what it can't send at once.
 */

import { writeInt32At } from "../../wire/bytes.ts";
import { HEADER_BYTES } from "../../wire/limits.ts";

/** Where gathered bytes go: the write half of a channel. */
export interface ByteSink {
  /** Takes all of `bytes[start, end)`. False: some of it is held back, so stop reading its source. */
  write(bytes: Uint8Array, start: number, end: number): boolean;
}

/** From this size on, a slice behind scratch bytes is cheaper as a write of its own than as a copy. */
const COPY_BYTES_MAX = 16_384;

const SCRATCH_BYTES = 65_536;

const NO_BYTES = new Uint8Array(0);

export class RunWriter {
  #scratch = new Uint8Array(SCRATCH_BYTES);
  #scratchLength = 0;
  #chunk: Uint8Array = NO_BYTES;
  #start = 0;
  #end = 0;
  /** The sink took all of what was written since the last flush. */
  #accepted = true;

  get empty(): boolean {
    return this.#scratchLength === 0 && this.#end === this.#start;
  }

  /** Adds `chunk[start, end)`, which must stay as it is until {@link flush}. */
  forward(chunk: Uint8Array, start: number, end: number, sink: ByteSink): void {
    if (start === end) return;
    if (chunk === this.#chunk && start === this.#end) {
      this.#end = end;
      return;
    }
    this.#spill(sink);
    this.#chunk = chunk;
    this.#start = start;
    this.#end = end;
  }

  /** Adds a copy of `bytes[start, end)`: the caller may use them again at once. */
  insert(bytes: Uint8Array, start: number, end: number, sink: ByteSink): void {
    this.#spill(sink);
    this.#copy(bytes, start, end, sink);
  }

  /** Adds a message's header: Byte1 type, Int32 length. */
  insertHeader(type: number, length: number, sink: ByteSink): void {
    this.#spill(sink);
    if (this.#scratchLength + HEADER_BYTES > this.#scratch.length) this.#writeScratch(sink);
    const at = this.#scratchLength;
    this.#scratch[at] = type;
    writeInt32At(this.#scratch, at + 1, length);
    this.#scratchLength = at + HEADER_BYTES;
  }

  /** Writes all that was gathered. Returns false if the sink holds any of it back. */
  flush(sink: ByteSink): boolean {
    if (this.#scratchLength > 0) {
      if (this.#end - this.#start <= COPY_BYTES_MAX) this.#spill(sink);
      this.#writeScratch(sink);
    }
    if (this.#end > this.#start) this.#write(this.#chunk, this.#start, this.#end, sink);
    const accepted = this.#accepted;
    this.reset();
    return accepted;
  }

  /** Forgets all that was gathered. */
  reset(): void {
    this.#scratchLength = 0;
    this.#chunk = NO_BYTES;
    this.#start = 0;
    this.#end = 0;
    this.#accepted = true;
  }

  #spill(sink: ByteSink): void {
    if (this.#end > this.#start) this.#copy(this.#chunk, this.#start, this.#end, sink);
    this.#chunk = NO_BYTES;
    this.#start = 0;
    this.#end = 0;
  }

  #copy(bytes: Uint8Array, start: number, end: number, sink: ByteSink): void {
    const length = end - start;
    if (this.#scratchLength + length > this.#scratch.length) this.#writeScratch(sink);
    if (length > COPY_BYTES_MAX) {
      this.#writeScratch(sink);
      this.#write(bytes, start, end, sink);
      return;
    }
    const scratch = this.#scratch;
    const at = this.#scratchLength;
    // A loop beats set(subarray) below some 40 bytes: no view is made.
    if (length <= 40)
      for (let index = 0; index < length; index += 1)
        scratch[at + index] = bytes[start + index] ?? 0;
    else scratch.set(bytes.subarray(start, end), at);
    this.#scratchLength = at + length;
  }

  #writeScratch(sink: ByteSink): void {
    if (this.#scratchLength === 0) return;
    const length = this.#scratchLength;
    this.#scratchLength = 0;
    this.#write(this.#scratch, 0, length, sink);
  }

  #write(bytes: Uint8Array, start: number, end: number, sink: ByteSink): void {
    if (!sink.write(bytes, start, end)) this.#accepted = false;
  }
}
