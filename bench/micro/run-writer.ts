/**
 * What it costs to gather the slices of a chunk, and what is put between them, into few writes.
 */

import { bench } from "mitata";
import { type ByteSink, RunWriter } from "../../src/session/relay/run-writer.ts";

const MESSAGES = 100;
const MESSAGE_BYTES = 60;
const INSERTED = new Uint8Array(12);

/** Takes everything. */
class Counter implements ByteSink {
  bytes = 0;

  write(_bytes: Uint8Array, start: number, end: number): boolean {
    this.bytes += end - start;
    return true;
  }
}

/** Adds a bench for each pattern of slices. */
export function addRunWriter(): void {
  const writer = new RunWriter();
  const sink = new Counter();
  const chunk = new Uint8Array(MESSAGES * MESSAGE_BYTES);
  bench("one slice", () => {
    writer.forward(chunk, 0, MESSAGE_BYTES, sink);
    writer.flush(sink);
  });
  bench(`${MESSAGES} neighbouring slices`, () => {
    for (let at = 0; at < chunk.length; at += MESSAGE_BYTES)
      writer.forward(chunk, at, at + MESSAGE_BYTES, sink);
    writer.flush(sink);
  });
  bench(`${MESSAGES} slices, something put before each`, () => {
    for (let at = 0; at < chunk.length; at += MESSAGE_BYTES) {
      writer.insert(INSERTED, 0, INSERTED.length, sink);
      writer.forward(chunk, at, at + MESSAGE_BYTES, sink);
    }
    writer.flush(sink);
  });
  bench("a header and a name put before one slice", () => {
    writer.insertHeader(0x42, 40, sink);
    writer.insert(INSERTED, 0, INSERTED.length, sink);
    writer.forward(chunk, 0, MESSAGE_BYTES, sink);
    writer.flush(sink);
  });
}
