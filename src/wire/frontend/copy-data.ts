/**
 * CopyData: `Byte1('d') Int32(length) Byte[](data)`. Client and server send the same message; its borders
 * mean nothing when a client sends it.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { HEADER_BYTES } from "../limits.ts";
import { MessageReader } from "../message-reader.ts";
import { FRONTEND } from "../message-type.ts";

/** Appends a CopyData. */
export function writeCopyData(writer: ByteWriter, data: Uint8Array): void {
  writer.begin(FRONTEND.CopyData);
  writer.bytes(data);
  writer.end();
}

/** Returns the data, a copy. */
export function readCopyData(
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array<ArrayBuffer> {
  return new MessageReader(bytes, start + HEADER_BYTES, end).rest();
}
