/**
 * What kind of Authentication message an `R` is: `Byte1('R') Int32(length) Int32(kind) …`.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { readInt32 } from "../bytes.ts";
import { AUTHENTICATION_LENGTH_MAX, HEADER_BYTES } from "../limits.ts";
import { MessageReader } from "../message-reader.ts";
import { BACKEND } from "../message-type.ts";
import { ProtocolError } from "../protocol-error.ts";

/** The kinds by the docs' names, without their "Authentication". */
export const AUTHENTICATION = {
  Ok: 0,
  KerberosV5: 2,
  CleartextPassword: 3,
  MD5Password: 5,
  GSS: 7,
  GSSContinue: 8,
  SSPI: 9,
  SASL: 10,
  SASLContinue: 11,
  SASLFinal: 12,
} as const;

/**
 * Returns the kind of the Authentication message in `[start, end)`, one of {@link AUTHENTICATION} or a number
 * that this protocol does not define. Does not allocate.
 * @throws {ProtocolError} when the message is too short to have one, or longer than any may be.
 */
export function readAuthenticationKind(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < HEADER_BYTES + 4) throw new ProtocolError("insufficient data left in message");
  if (end - start > 1 + AUTHENTICATION_LENGTH_MAX)
    throw new ProtocolError("invalid message length");
  return readInt32(bytes, start + HEADER_BYTES);
}

/** Opens an Authentication message of this kind; the caller appends what the kind adds, and ends it. */
export function beginAuthentication(writer: ByteWriter, kind: number): void {
  writer.begin(BACKEND.Authentication);
  writer.int32(kind);
}

/**
 * Returns a reader behind the kind.
 * @throws {ProtocolError} when the message is of another kind.
 */
export function authenticationReader(
  bytes: Uint8Array,
  start: number,
  end: number,
  kind: number,
): MessageReader {
  if (readAuthenticationKind(bytes, start, end) !== kind) {
    throw new ProtocolError("unexpected authentication request");
  }
  return new MessageReader(bytes, start + HEADER_BYTES + 4, end);
}
