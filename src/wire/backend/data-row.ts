/**
 * DataRow: `Byte1('D') Int32(length) Int16(columns)`, then for each column
 * `Int32(length) Byte[length]`, with length -1 for NULL.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { HEADER_BYTES } from "../limits.ts";
import { MessageReader } from "../message-reader.ts";
import { BACKEND } from "../message-type.ts";
import { readValues, type Value, type WritableValue, writeValues } from "../value-list.ts";

/** Appends a DataRow; a string is a value in text format. */
export function writeDataRow(writer: ByteWriter, values: readonly WritableValue[]): void {
  writer.begin(BACKEND.DataRow);
  writeValues(writer, values);
  writer.end();
}

/** Returns the row's values, each a copy. @throws {ProtocolError} when the body is malformed. */
export function readDataRow(bytes: Uint8Array, start: number, end: number): Value[] {
  const reader = new MessageReader(bytes, start + HEADER_BYTES, end);
  const values = readValues(reader);
  reader.finish();
  return values;
}
