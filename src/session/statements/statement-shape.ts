/**
 * What a client can know of a prepared statement: the types of its parameters and its columns. Two shapes
 * are equal where PostgreSQL would go on using a plan, and not say "cached plan must not change result type".
 *
 * Source: RevalidateCachedQuery in PostgreSQL's src/backend/utils/cache/plancache.c, which compares names,
 * types and type modifiers. Which table a column is of, it does not ask.
 */

import { NO_DATA } from "../../wire/backend/empty-replies.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import { findNul, readUint16 } from "../../wire/bytes.ts";
import { HEADER_BYTES } from "../../wire/limits.ts";
import { BACKEND } from "../../wire/message-type.ts";
import { ProtocolError } from "../../wire/protocol-error.ts";

const COUNT_BYTES = 2;
/** Int32 table, Int16 column, Int32 type, Int16 size, Int32 modifier, Int16 format. */
const FIELD_BYTES = 18;
/** Table and column. */
const ORIGIN_BYTES = 6;

export class StatementShape {
  /** The body of its ParameterDescription: Int16 count, Int32 types. The same stands at the end of a Parse. */
  readonly parameters: Uint8Array;
  /** The body of its RowDescription without the columns' origins; null: it returns no rows. */
  readonly columns: Uint8Array | null;

  constructor(parameters: Uint8Array, columns: Uint8Array | null) {
    this.parameters = parameters;
    this.columns = columns;
  }

  get bytes(): number {
    return this.parameters.length + (this.columns?.length ?? 0);
  }

  /** Whether it has neither parameters nor columns: then it can't come to be another one. */
  get empty(): boolean {
    return this.columns === null && this.parameters.length <= COUNT_BYTES;
  }

  /** Returns how PostgreSQL describes what returns no rows, ParameterDescription and NoData; null: it returns some. */
  describeWithoutRows(): Uint8Array | null {
    if (this.columns !== null) return null;
    const writer = new ByteWriter();
    writer.begin(BACKEND.ParameterDescription);
    writer.bytes(this.parameters);
    writer.end();
    writer.bytes(NO_DATA);
    return writer.take();
  }

  hasParametersOf(other: StatementShape): boolean {
    return sameBytes(this.parameters, other.parameters);
  }

  hasColumnsOf(other: StatementShape): boolean {
    if (this.columns === null || other.columns === null) return this.columns === other.columns;
    return sameBytes(this.columns, other.columns);
  }

  equals(other: StatementShape): boolean {
    return this.hasParametersOf(other) && this.hasColumnsOf(other);
  }
}

/** Returns a copy of the body of the ParameterDescription in `bytes[start, end)`. */
export function parametersIn(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return bytes.slice(start + HEADER_BYTES, end);
}

/** Returns the columns of the whole RowDescription in `bytes[start, end)`. @throws {ProtocolError} */
export function columnsIn(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const columns = bytes.slice(start + HEADER_BYTES, end);
  if (columns.length < COUNT_BYTES) throw new ProtocolError("a RowDescription is too short");
  let at = COUNT_BYTES;
  for (let count = readUint16(columns, 0); count > 0; count -= 1) {
    const nameEnd = findNul(columns, at, columns.length);
    if (nameEnd < 0 || nameEnd + 1 + FIELD_BYTES > columns.length)
      throw new ProtocolError("a RowDescription ends within a column");
    columns.fill(0, nameEnd + 1, nameEnd + 1 + ORIGIN_BYTES);
    at = nameEnd + 1 + FIELD_BYTES;
  }
  return columns;
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
