/**
 * FunctionCall: `Byte1('F') Int32(length) Int32(function OID) Int16(n) Int16[n](argument formats) Int16(n)` then for
 * each argument `Int32(length) Byte[length]`, `Int16(result format)`. How libpq's large objects work.
 */

import type { ByteWriter } from "../byte-writer.ts";
import {
  type FormatCode,
  formatCodeOf,
  readFormatCodes,
  writeFormatCodes,
} from "../format-code.ts";
import { HEADER_BYTES } from "../limits.ts";
import { MessageReader } from "../message-reader.ts";
import { FRONTEND } from "../message-type.ts";
import { readValues, type Value, type WritableValue, writeValues } from "../value-list.ts";

export interface FunctionCall<Argument extends WritableValue = Value> {
  readonly functionOid: number;
  /** None: all are text. One: it holds for all. Else one for each argument. */
  readonly argumentFormats: readonly FormatCode[];
  readonly arguments: readonly Argument[];
  readonly resultFormat: FormatCode;
}

/** Appends a FunctionCall. */
export function writeFunctionCall(writer: ByteWriter, call: FunctionCall<WritableValue>): void {
  writer.begin(FRONTEND.FunctionCall);
  writer.int32(call.functionOid);
  writeFormatCodes(writer, call.argumentFormats);
  writeValues(writer, call.arguments);
  writer.int16(call.resultFormat);
  writer.end();
}

/** Returns all of a FunctionCall, its arguments copied. @throws {ProtocolError} when the body is malformed. */
export function readFunctionCall(bytes: Uint8Array, start: number, end: number): FunctionCall {
  const reader = new MessageReader(bytes, start + HEADER_BYTES, end);
  const call = {
    functionOid: reader.uint32(),
    argumentFormats: readFormatCodes(reader),
    arguments: readValues(reader),
    resultFormat: formatCodeOf(reader.int16()),
  };
  reader.finish();
  return call;
}

/**
 * Returns the function's OID, of a FunctionCall whose arguments need not have arrived.
 * @throws {ProtocolError} when the OID does not lie before `end`.
 */
export function readFunctionCallOid(bytes: Uint8Array, start: number, end: number): number {
  return new MessageReader(bytes, start + HEADER_BYTES, end).uint32();
}
