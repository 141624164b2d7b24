/**
 * SASLResponse: `Byte1('p') Int32(length) Byte[](response)`. The answer to a challenge.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { FRONTEND } from "../message-type.ts";
import { authenticationResponseReader } from "./authentication-reader.ts";

/** Appends a SASLResponse, in the mechanism's own format. */
export function writeSASLResponse(writer: ByteWriter, response: Uint8Array): void {
  writer.begin(FRONTEND.SASLResponse);
  writer.bytes(response);
  writer.end();
}

/** Returns the response, a copy. @throws {ProtocolError} when the message is too long. */
export function readSASLResponse(
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array<ArrayBuffer> {
  return authenticationResponseReader(bytes, start, end).rest();
}
