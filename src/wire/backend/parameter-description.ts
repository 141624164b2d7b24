/**
 * ParameterDescription: `Byte1('t') Int32(length) Int16(parameters) Int32[parameters](type OIDs)`.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { HEADER_BYTES } from "../limits.ts";
import { MessageReader } from "../message-reader.ts";
import { BACKEND } from "../message-type.ts";
import { readOids, writeOids } from "../oid-list.ts";

/** Appends a ParameterDescription. */
export function writeParameterDescription(writer: ByteWriter, typeOids: readonly number[]): void {
  writer.begin(BACKEND.ParameterDescription);
  writeOids(writer, typeOids);
  writer.end();
}

/** Returns the type OID of each parameter. @throws {ProtocolError} when the body is malformed. */
export function readParameterDescription(bytes: Uint8Array, start: number, end: number): number[] {
  const reader = new MessageReader(bytes, start + HEADER_BYTES, end);
  const typeOids = readOids(reader);
  reader.finish();
  return typeOids;
}
