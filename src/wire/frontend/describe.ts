/**
 * Describe: `Byte1('D') Int32(length) Byte1('S' | 'P') String(name)`. Asks for ParameterDescription (of a
 * statement only) and RowDescription or NoData.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { FRONTEND } from "../message-type.ts";
import {
  readStatementOrPortal,
  type StatementOrPortal,
  writeStatementOrPortal,
} from "./statement-or-portal.ts";

/** Appends a Describe. */
export function writeDescribe(writer: ByteWriter, target: StatementOrPortal): void {
  writeStatementOrPortal(writer, FRONTEND.Describe, target);
}

/** Returns what is to be described. @throws {ProtocolError} when the body is malformed. */
export function readDescribe(bytes: Uint8Array, start: number, end: number): StatementOrPortal {
  return readStatementOrPortal(bytes, start, end, "invalid DESCRIBE message subtype");
}
