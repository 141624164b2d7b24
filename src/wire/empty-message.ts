/**
 * Messages that are nothing but their header: `Byte1(type) Int32(4)`.
 */

import { HEADER_BYTES, LENGTH_FIELD_BYTES } from "./limits.ts";
import { ProtocolError } from "./protocol-error.ts";

/** Returns the five bytes of an empty message of this type. */
export function emptyMessage(type: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(type, 0, 0, 0, LENGTH_FIELD_BYTES);
}

/**
 * Checks the message in `[start, end)` to be empty.
 * @throws {ProtocolError} when it has a body.
 */
export function readEmptyMessage(start: number, end: number): void {
  if (end - start !== HEADER_BYTES) throw new ProtocolError("invalid message format");
}
