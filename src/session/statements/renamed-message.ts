/**
 * A message that goes to a server with another name in it than the client gave.
 */

import { HEADER_BYTES } from "../../wire/limits.ts";
import type { ByteSink, RunWriter } from "../relay/run-writer.ts";

/**
 * Sends what is there of a message, `bytes[start, end)`, with `name` in the place of `[nameStart, nameEnd)`. What is
 * to come of it, up to `messageEnd`, can follow as it is.
 */
export function sendRenamed(
  out: RunWriter,
  bytes: Uint8Array,
  start: number,
  nameStart: number,
  nameEnd: number,
  end: number,
  messageEnd: number,
  name: Uint8Array,
  sink: ByteSink,
): void {
  const length = messageEnd - start - 1 - (nameEnd - nameStart) + name.length;
  out.insertHeader(bytes[start] ?? 0, length, sink);
  out.insert(bytes, start + HEADER_BYTES, nameStart, sink);
  out.insert(name, 0, name.length, sink);
  out.forward(bytes, nameEnd, end, sink);
}
