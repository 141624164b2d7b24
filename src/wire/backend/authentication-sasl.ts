/**
 * AuthenticationSASL: `Byte1('R') Int32(length) Int32(10) String[] Byte1(0)`.
 * Names the SASL mechanisms that the server offers, the one it likes best first.
 */

import { assert } from "../../base/assert.ts";
import type { ByteWriter } from "../byte-writer.ts";
import { ProtocolError } from "../protocol-error.ts";
import {
  AUTHENTICATION,
  authenticationReader,
  beginAuthentication,
} from "./authentication-kind.ts";

/** Appends an AuthenticationSASL that offers `mechanisms`, at least one. */
export function writeAuthenticationSASL(writer: ByteWriter, mechanisms: readonly string[]): void {
  assert(mechanisms.length > 0, "a mechanism is offered");
  beginAuthentication(writer, AUTHENTICATION.SASL);
  for (const mechanism of mechanisms) {
    assert(mechanism !== "", "a mechanism has a name: an empty one ends the list");
    writer.cstring(mechanism);
  }
  writer.byte(0);
  writer.end();
}

/**
 * Returns the mechanisms offered.
 * @throws {ProtocolError} when the message is not this one, or offers none.
 */
export function readAuthenticationSASL(bytes: Uint8Array, start: number, end: number): string[] {
  const reader = authenticationReader(bytes, start, end, AUTHENTICATION.SASL);
  const mechanisms: string[] = [];
  for (let name = reader.cstring(); name !== ""; name = reader.cstring()) mechanisms.push(name);
  reader.finish();
  if (mechanisms.length === 0) throw new ProtocolError("no SASL authentication mechanism offered");
  return mechanisms;
}
