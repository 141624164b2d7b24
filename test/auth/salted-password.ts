/**
 * Passwords and messages as bytes, and the PBKDF2 that the product runs off the serving thread.
 */

import { pbkdf2Sync } from "node:crypto";
import { saslPrepare } from "../../src/auth/saslprep.ts";

export function toBytes(text: string): Uint8Array {
  return Buffer.from(text, "utf8");
}

/** The 32 bytes that SCRAM keys derive from. */
export function saltPassword(password: string, salt: Uint8Array, iterations: number): Uint8Array {
  return pbkdf2Sync(saslPrepare(toBytes(password)), salt, iterations, 32, "sha256");
}
