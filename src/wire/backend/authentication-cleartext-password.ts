/**
 * AuthenticationCleartextPassword: `Byte1('R') Int32(8) Int32(3)`. Asks for a PasswordMessage.
 */

import type { ByteWriter } from "../byte-writer.ts";
import {
  AUTHENTICATION,
  authenticationReader,
  beginAuthentication,
} from "./authentication-kind.ts";

/** Appends an AuthenticationCleartextPassword. */
export function writeAuthenticationCleartextPassword(writer: ByteWriter): void {
  beginAuthentication(writer, AUTHENTICATION.CleartextPassword);
  writer.end();
}

/** Checks the message in `[start, end)` to be this one. @throws {ProtocolError} otherwise. */
export function readAuthenticationCleartextPassword(
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  authenticationReader(bytes, start, end, AUTHENTICATION.CleartextPassword).finish();
}
