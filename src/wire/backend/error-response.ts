/**
 * ErrorResponse: `Byte1('E') Int32(length)`, then fields as in `error-fields.ts`.
 */

import type { PoolerError } from "../../base/pooler-error.ts";
import { ByteWriter } from "../byte-writer.ts";
import { BACKEND } from "../message-type.ts";
import {
  type ErrorFields,
  readErrorFields,
  type WritableErrorFields,
  writeErrorFields,
} from "./error-fields.ts";

/** Appends an ErrorResponse with the fields that are given. */
export function writeErrorResponse(writer: ByteWriter, fields: WritableErrorFields): void {
  writeErrorFields(writer, BACKEND.ErrorResponse, fields);
}

/** Returns `error` as the ErrorResponse that a client gets: a new array, without what is for the log. */
export function errorResponseOf(error: PoolerError): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writeErrorResponse(writer, {
    severity: error.severity,
    sqlstate: error.sqlstate,
    message: error.message,
    detail: error.detail,
    hint: error.hint,
  });
  return writer.take();
}

/** Returns the fields that are there, none of them certain. @throws {ProtocolError} when the body is malformed. */
export function readErrorResponse(bytes: Uint8Array, start: number, end: number): ErrorFields {
  return readErrorFields(bytes, start, end);
}
