/**
 * Format codes of parameters and columns, and lists of them: `Int16(count) Int16[count]`.
 */

import { assert } from "../base/assert.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { COUNT_MAX } from "./limits.ts";
import type { MessageReader } from "./message-reader.ts";
import { ProtocolError } from "./protocol-error.ts";

/** 0 is text, 1 binary. */
export type FormatCode = 0 | 1;

/** Returns `code` as a {@link FormatCode}. @throws {ProtocolError} when the protocol has no such format. */
export function formatCodeOf(code: number): FormatCode {
  if (code !== 0 && code !== 1) throw new ProtocolError("unsupported format code");
  return code;
}

/** Appends a counted list of format codes. */
export function writeFormatCodes(writer: ByteWriter, codes: readonly FormatCode[]): void {
  assert(codes.length <= COUNT_MAX, "the count fits its field");
  writer.int16(codes.length);
  for (const code of codes) writer.int16(code);
}

/** Reads a counted list of format codes. */
export function readFormatCodes(reader: MessageReader): FormatCode[] {
  const count = reader.uint16();
  const codes: FormatCode[] = [];
  for (let index = 0; index < count; index++) codes.push(formatCodeOf(reader.int16()));
  return codes;
}
