/**
 * RowDescription: `Byte1('T') Int32(length) Int16(fields)`, then for each field `String(name) Int32(table OID)
 * Int16(column number) Int32(type OID) Int16(type size) Int32(type modifier) Int16(format)`.
 */

import { assert } from "../../base/assert.ts";
import type { ByteWriter } from "../byte-writer.ts";
import { type FormatCode, formatCodeOf } from "../format-code.ts";
import { COUNT_MAX, HEADER_BYTES } from "../limits.ts";
import { MessageReader } from "../message-reader.ts";
import { BACKEND } from "../message-type.ts";

export interface FieldDescription {
  readonly name: string;
  /** The table that the field is a column of, or 0. */
  readonly tableOid: number;
  /** The column's attribute number in that table, or 0. */
  readonly columnNumber: number;
  readonly typeOid: number;
  /** Bytes, as in `pg_type.typlen`; negative for types of variable width. */
  readonly typeSize: number;
  /** As in `pg_attribute.atttypmod`; -1 where the type has none. */
  readonly typeModifier: number;
  /** Always 0 in the answer to a Describe of a statement: the formats are not known yet. */
  readonly format: FormatCode;
}

/** Appends a RowDescription. */
export function writeRowDescription(writer: ByteWriter, fields: readonly FieldDescription[]): void {
  assert(fields.length <= COUNT_MAX, "the count fits its field");
  writer.begin(BACKEND.RowDescription);
  writer.int16(fields.length);
  for (const field of fields) writeField(writer, field);
  writer.end();
}

/** Returns the row's fields. @throws {ProtocolError} when the body is malformed. */
export function readRowDescription(
  bytes: Uint8Array,
  start: number,
  end: number,
): FieldDescription[] {
  const reader = new MessageReader(bytes, start + HEADER_BYTES, end);
  const count = reader.uint16();
  const fields: FieldDescription[] = [];
  for (let index = 0; index < count; index++) fields.push(readField(reader));
  reader.finish();
  return fields;
}

function writeField(writer: ByteWriter, field: FieldDescription): void {
  writer.cstring(field.name);
  writer.int32(field.tableOid);
  writer.int16(field.columnNumber);
  writer.int32(field.typeOid);
  writer.int16(field.typeSize);
  writer.int32(field.typeModifier);
  writer.int16(field.format);
}

function readField(reader: MessageReader): FieldDescription {
  return {
    name: reader.cstring(),
    tableOid: reader.uint32(),
    columnNumber: reader.int16(),
    typeOid: reader.uint32(),
    typeSize: reader.int16(),
    typeModifier: reader.int32(),
    format: formatCodeOf(reader.int16()),
  };
}
