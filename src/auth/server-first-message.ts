/**
 * server-first-message (RFC 5802 section 7):
 * `r=<client nonce><server nonce>,s=<salt, base64>,i=<iterations>[,<extensions>]`
 */

import { decodeBase64, encodeBase64 } from "./base64.ts";
import { malformedScramMessage } from "./sasl-protocol-error.ts";
import { expectAttribute, expectNonce, parseScramAttributes } from "./scram-message.ts";

export interface ServerFirstMessage {
  /** Both nonces. Printable ASCII, at least one character. */
  readonly nonce: string;
  /** At least one byte. */
  readonly salt: Uint8Array;
  /** At least 1, at most ten digits: the reader has to cap it. */
  readonly iterations: number;
}

const ITERATIONS_PATTERN = /^[1-9][0-9]{0,9}$/;

/** Returns the parts of `text`. Throws a SaslProtocolError or an UnsupportedSaslError. */
export function parseServerFirstMessage(text: string): ServerFirstMessage {
  const [nonce, salt, iterations] = parseScramAttributes(text);
  return {
    nonce: expectNonce(expectAttribute(nonce, "r")),
    salt: parseSalt(expectAttribute(salt, "s")),
    iterations: parseIterations(expectAttribute(iterations, "i")),
  };
}

/** Returns the text of `message`. */
export function formatServerFirstMessage(message: ServerFirstMessage): string {
  return `r=${message.nonce},s=${encodeBase64(message.salt)},i=${message.iterations}`;
}

function parseSalt(text: string): Uint8Array {
  const salt = decodeBase64(text);
  if (salt === null || salt.byteLength === 0) throw malformedScramMessage("Invalid salt.");
  return salt;
}

function parseIterations(text: string): number {
  if (!ITERATIONS_PATTERN.test(text)) throw malformedScramMessage("Invalid iteration count.");
  return Number(text);
}
