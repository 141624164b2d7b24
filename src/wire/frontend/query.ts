/**
 * Query: `Byte1('Q') Int32(length) String(query)`. One or more statements, in the simple protocol.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { HEADER_BYTES } from "../limits.ts";
import { MessageReader } from "../message-reader.ts";
import { FRONTEND } from "../message-type.ts";

/** Appends a Query. */
export function writeQuery(writer: ByteWriter, query: string): void {
  writer.begin(FRONTEND.Query);
  writer.cstring(query);
  writer.end();
}

/** Returns the text, lossless whatever the client's encoding. @throws {ProtocolError} when the body is not one string. */
export function readQuery(bytes: Uint8Array, start: number, end: number): string {
  const reader = new MessageReader(bytes, start + HEADER_BYTES, end);
  const query = reader.cstring();
  reader.finish();
  return query;
}
