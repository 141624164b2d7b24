/**
 * AuthenticationOk: `Byte1('R') Int32(8) Int32(0)`. The client is let in.
 */

import type { ByteWriter } from "../byte-writer.ts";
import {
  AUTHENTICATION,
  authenticationReader,
  beginAuthentication,
} from "./authentication-kind.ts";

/** Appends an AuthenticationOk. */
export function writeAuthenticationOk(writer: ByteWriter): void {
  beginAuthentication(writer, AUTHENTICATION.Ok);
  writer.end();
}

/** Checks the message in `[start, end)` to be an AuthenticationOk. @throws {ProtocolError} otherwise. */
export function readAuthenticationOk(bytes: Uint8Array, start: number, end: number): void {
  authenticationReader(bytes, start, end, AUTHENTICATION.Ok).finish();
}
