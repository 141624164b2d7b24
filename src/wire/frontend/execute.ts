/**
 * Execute: `Byte1('E') Int32(length) String(portal) Int32(rows)`.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { HEADER_BYTES } from "../limits.ts";
import { MessageReader } from "../message-reader.ts";
import { FRONTEND } from "../message-type.ts";

export interface Execute {
  /** Empty for the unnamed portal. */
  readonly portal: string;
  /** After so many rows the server sends PortalSuspended. No limit when 0 or, as PostgreSQL has it, negative. */
  readonly rowsMax: number;
}

/** Appends an Execute. */
export function writeExecute(writer: ByteWriter, portal: string, rowsMax: number): void {
  writer.begin(FRONTEND.Execute);
  writer.cstring(portal);
  writer.int32(rowsMax);
  writer.end();
}

/** Returns the portal and the limit. @throws {ProtocolError} when the body is malformed. */
export function readExecute(bytes: Uint8Array, start: number, end: number): Execute {
  const reader = new MessageReader(bytes, start + HEADER_BYTES, end);
  const execute = { portal: reader.cstring(), rowsMax: reader.int32() };
  reader.finish();
  return execute;
}
