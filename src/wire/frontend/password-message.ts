/**
 * PasswordMessage: `Byte1('p') Int32(length) String(password)`. Clear, or hashed when MD5 was asked for.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { FRONTEND } from "../message-type.ts";
import { ProtocolError } from "../protocol-error.ts";
import { authenticationResponseReader } from "./authentication-reader.ts";

/** Appends a PasswordMessage. */
export function writePasswordMessage(writer: ByteWriter, password: string): void {
  writer.begin(FRONTEND.PasswordMessage);
  writer.cstring(password);
  writer.end();
}

/** Returns the password, which may be empty. @throws {ProtocolError} when the body is not one string, or too long. */
export function readPasswordMessage(bytes: Uint8Array, start: number, end: number): string {
  const reader = authenticationResponseReader(bytes, start, end);
  const password = reader.cstring();
  if (reader.remaining !== 0) throw new ProtocolError("invalid password packet size");
  return password;
}
