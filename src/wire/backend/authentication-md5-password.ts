/**
 * AuthenticationMD5Password: `Byte1('R') Int32(12) Int32(5) Byte4(salt)`.
 * Asks for a PasswordMessage with `md5` + md5(md5(password + user) + salt).
 */

import { assert } from "../../base/assert.ts";
import type { ByteWriter } from "../byte-writer.ts";
import {
  AUTHENTICATION,
  authenticationReader,
  beginAuthentication,
} from "./authentication-kind.ts";

/** Length of the salt. */
export const MD5_SALT_BYTES = 4;

/** Appends an AuthenticationMD5Password with a salt of {@link MD5_SALT_BYTES}. */
export function writeAuthenticationMD5Password(writer: ByteWriter, salt: Uint8Array): void {
  assert(salt.length === MD5_SALT_BYTES, "an MD5 salt has 4 bytes");
  beginAuthentication(writer, AUTHENTICATION.MD5Password);
  writer.bytes(salt);
  writer.end();
}

/** Returns the salt, a copy. @throws {ProtocolError} when the message is not this one. */
export function readAuthenticationMD5Password(
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array<ArrayBuffer> {
  const reader = authenticationReader(bytes, start, end, AUTHENTICATION.MD5Password);
  const salt = reader.bytes(MD5_SALT_BYTES);
  reader.finish();
  return salt;
}
