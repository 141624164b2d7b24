/**
 * AuthenticationSASLContinue: `Byte1('R') Int32(length) Int32(11) Byte[](data)`.
 * The server's challenge, in the mechanism's own format.
 */

import type { ByteWriter } from "../byte-writer.ts";
import {
  AUTHENTICATION,
  authenticationReader,
  beginAuthentication,
} from "./authentication-kind.ts";

/** Appends an AuthenticationSASLContinue with the mechanism's `data`. */
export function writeAuthenticationSASLContinue(writer: ByteWriter, data: Uint8Array): void {
  beginAuthentication(writer, AUTHENTICATION.SASLContinue);
  writer.bytes(data);
  writer.end();
}

/** Returns the mechanism's data, a copy. @throws {ProtocolError} when the message is not this one. */
export function readAuthenticationSASLContinue(
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array<ArrayBuffer> {
  return authenticationReader(bytes, start, end, AUTHENTICATION.SASLContinue).rest();
}
