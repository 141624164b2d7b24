/**
 * Close: `Byte1('C') Int32(length) Byte1('S' | 'P') String(name)`. Ends a prepared statement or a portal; one
 * that does not exist is no error.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { FRONTEND } from "../message-type.ts";
import {
  readStatementOrPortal,
  type StatementOrPortal,
  writeStatementOrPortal,
} from "./statement-or-portal.ts";

/** Appends a Close. */
export function writeClose(writer: ByteWriter, target: StatementOrPortal): void {
  writeStatementOrPortal(writer, FRONTEND.Close, target);
}

/** Returns what is to be closed. @throws {ProtocolError} when the body is malformed. */
export function readClose(bytes: Uint8Array, start: number, end: number): StatementOrPortal {
  return readStatementOrPortal(bytes, start, end, "invalid CLOSE message subtype");
}
