/**
 * NoticeResponse: `Byte1('N') Int32(length)`, then fields as in `error-fields.ts`. May come at any time.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { BACKEND } from "../message-type.ts";
import {
  type ErrorFields,
  readErrorFields,
  type WritableErrorFields,
  writeErrorFields,
} from "./error-fields.ts";

/** Appends a NoticeResponse with the fields that are given. */
export function writeNoticeResponse(writer: ByteWriter, fields: WritableErrorFields): void {
  writeErrorFields(writer, BACKEND.NoticeResponse, fields);
}

/** Returns the fields that are there, none of them certain. @throws {ProtocolError} when the body is malformed. */
export function readNoticeResponse(bytes: Uint8Array, start: number, end: number): ErrorFields {
  return readErrorFields(bytes, start, end);
}
