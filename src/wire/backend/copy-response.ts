/**
 * CopyInResponse, CopyOutResponse and CopyBothResponse, which differ in their type byte only:
 * `Byte1('G' | 'H' | 'W') Int32(length) Int8(format) Int16(columns) Int16[columns](formats)`.
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
import { BACKEND } from "../message-type.ts";

/** How the copied data looks. In text format all columns are text. */
export interface CopyResponse {
  readonly format: FormatCode;
  readonly columnFormats: readonly FormatCode[];
}

/** Appends a CopyInResponse: the server waits for CopyData. */
export function writeCopyInResponse(writer: ByteWriter, response: CopyResponse): void {
  writeCopyResponse(writer, BACKEND.CopyInResponse, response);
}

/** Appends a CopyOutResponse: the server will send CopyData. */
export function writeCopyOutResponse(writer: ByteWriter, response: CopyResponse): void {
  writeCopyResponse(writer, BACKEND.CopyOutResponse, response);
}

/** Appends a CopyBothResponse: CopyData goes both ways, in replication. */
export function writeCopyBothResponse(writer: ByteWriter, response: CopyResponse): void {
  writeCopyResponse(writer, BACKEND.CopyBothResponse, response);
}

/** Returns the body of any of the three. @throws {ProtocolError} when it is malformed. */
export function readCopyResponse(bytes: Uint8Array, start: number, end: number): CopyResponse {
  const reader = new MessageReader(bytes, start + HEADER_BYTES, end);
  const format = formatCodeOf(reader.byte());
  const columnFormats = readFormatCodes(reader);
  reader.finish();
  return { format, columnFormats };
}

function writeCopyResponse(writer: ByteWriter, type: number, response: CopyResponse): void {
  writer.begin(type);
  writer.byte(response.format);
  writeFormatCodes(writer, response.columnFormats);
  writer.end();
}
