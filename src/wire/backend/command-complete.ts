/**
 * CommandComplete: `Byte1('C') Int32(length) String(tag)`. A statement is done; `SELECT 3`, `INSERT 0 1`.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { HEADER_BYTES } from "../limits.ts";
import { MessageReader } from "../message-reader.ts";
import { BACKEND } from "../message-type.ts";

/** Appends a CommandComplete with the command tag. */
export function writeCommandComplete(writer: ByteWriter, tag: string): void {
  writer.begin(BACKEND.CommandComplete);
  writer.cstring(tag);
  writer.end();
}

/** Returns the command tag. @throws {ProtocolError} when the body is not one string. */
export function readCommandComplete(bytes: Uint8Array, start: number, end: number): string {
  const reader = new MessageReader(bytes, start + HEADER_BYTES, end);
  const tag = reader.cstring();
  reader.finish();
  return tag;
}
