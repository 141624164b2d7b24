/**
 * Parse: `Byte1('P') Int32(length) String(statement) String(query) Int16(n) Int32[n](parameter type OIDs)`.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { HEADER_BYTES } from "../limits.ts";
import { MessageReader } from "../message-reader.ts";
import { FRONTEND } from "../message-type.ts";
import { readOids, writeOids } from "../oid-list.ts";

export interface Parse {
  /** Empty for the unnamed statement. */
  readonly statement: string;
  /** Lossless whatever the client's encoding: see `readText`. */
  readonly query: string;
  /** May name fewer types than there are parameters; 0 leaves one to the server. */
  readonly parameterTypeOids: readonly number[];
}

/** Appends a Parse. */
export function writeParse(writer: ByteWriter, parse: Parse): void {
  writer.begin(FRONTEND.Parse);
  writer.cstring(parse.statement);
  writer.cstring(parse.query);
  writeOids(writer, parse.parameterTypeOids);
  writer.end();
}

/** Returns the statement. @throws {ProtocolError} when the body is malformed. */
export function readParse(bytes: Uint8Array, start: number, end: number): Parse {
  const reader = new MessageReader(bytes, start + HEADER_BYTES, end);
  const parse = {
    statement: reader.cstring(),
    query: reader.cstring(),
    parameterTypeOids: readOids(reader),
  };
  reader.finish();
  return parse;
}
