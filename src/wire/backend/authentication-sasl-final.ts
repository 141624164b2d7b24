/**
 * AuthenticationSASLFinal: `Byte1('R') Int32(length) Int32(12) Byte[](data)`.
 * The mechanism's last word: for SCRAM, the server's proof that it knows the password too.
 */

import type { ByteWriter } from "../byte-writer.ts";
import {
  AUTHENTICATION,
  authenticationReader,
  beginAuthentication,
} from "./authentication-kind.ts";

/** Appends an AuthenticationSASLFinal with the mechanism's `data`. */
export function writeAuthenticationSASLFinal(writer: ByteWriter, data: Uint8Array): void {
  beginAuthentication(writer, AUTHENTICATION.SASLFinal);
  writer.bytes(data);
  writer.end();
}

/** Returns the mechanism's data, a copy. @throws {ProtocolError} when the message is not this one. */
export function readAuthenticationSASLFinal(
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array<ArrayBuffer> {
  return authenticationReader(bytes, start, end, AUTHENTICATION.SASLFinal).rest();
}
