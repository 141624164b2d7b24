/**
 * SASLInitialResponse: `Byte1('p') Int32(length) String(mechanism) Int32(length) Byte[length](response)`, with length
 * -1 for no response.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { FRONTEND } from "../message-type.ts";
import { authenticationResponseReader } from "./authentication-reader.ts";

export interface SASLInitialResponse {
  /** The one that the client has chosen; it may not be one that was offered. */
  readonly mechanism: string;
  /** In the mechanism's own format; null when the client waits for a challenge first. */
  readonly response: Uint8Array | null;
}

/** Appends a SASLInitialResponse. */
export function writeSASLInitialResponse(
  writer: ByteWriter,
  mechanism: string,
  response: Uint8Array | null,
): void {
  writer.begin(FRONTEND.SASLInitialResponse);
  writer.cstring(mechanism);
  writer.int32(response === null ? -1 : response.length);
  if (response !== null) writer.bytes(response);
  writer.end();
}

/** Returns mechanism and response, a copy. @throws {ProtocolError} when the body is malformed, or too long. */
export function readSASLInitialResponse(
  bytes: Uint8Array,
  start: number,
  end: number,
): SASLInitialResponse {
  const reader = authenticationResponseReader(bytes, start, end);
  const initial = { mechanism: reader.cstring(), response: reader.value() };
  reader.finish();
  return initial;
}
