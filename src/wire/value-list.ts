/**
 * Counted lists of values, as DataRow, Bind and FunctionCall carry them:
 * `Int16(count)`, then for each `Int32(length) Byte[length]`, with length -1 and no bytes for NULL.
 */

import { assert } from "../base/assert.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { COUNT_MAX } from "./limits.ts";
import type { MessageReader } from "./message-reader.ts";

/** A value as it is read: its bytes in whatever format was agreed, or NULL. */
export type Value = Uint8Array | null;

/** A value as it may be written: a string is sent as its UTF-8 bytes. */
export type WritableValue = Value | string;

/** Appends a counted list of values. */
export function writeValues(writer: ByteWriter, values: readonly WritableValue[]): void {
  assert(values.length <= COUNT_MAX, "the count fits its field");
  writer.int16(values.length);
  for (const value of values) writeValue(writer, value);
}

/** Reads a counted list of values, each a copy. */
export function readValues(reader: MessageReader): Value[] {
  const count = reader.uint16();
  const values: Value[] = [];
  for (let index = 0; index < count; index++) values.push(reader.value());
  return values;
}

function writeValue(writer: ByteWriter, value: WritableValue): void {
  if (value === null) {
    writer.int32(-1);
  } else if (typeof value === "string") {
    writer.sizedText(value);
  } else {
    writer.int32(value.length);
    writer.bytes(value);
  }
}
