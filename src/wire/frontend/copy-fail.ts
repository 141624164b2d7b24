/**
 * CopyFail: `Byte1('f') Int32(length) String(reason)`. The client gives up its COPY FROM STDIN.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { HEADER_BYTES } from "../limits.ts";
import { MessageReader } from "../message-reader.ts";
import { FRONTEND } from "../message-type.ts";

/** Appends a CopyFail; the server repeats the reason in its ErrorResponse. */
export function writeCopyFail(writer: ByteWriter, reason: string): void {
  writer.begin(FRONTEND.CopyFail);
  writer.cstring(reason);
  writer.end();
}

/** Returns the reason. @throws {ProtocolError} when the body is not one string. */
export function readCopyFail(bytes: Uint8Array, start: number, end: number): string {
  const reader = new MessageReader(bytes, start + HEADER_BYTES, end);
  const reason = reader.cstring();
  reader.finish();
  return reason;
}
