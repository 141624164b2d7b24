/**
 * What all four SCRAM messages share (RFC 5802 section 7): a list of `<letter>=<value>`, with commas
 * between.
 *
 * A message is held as text of one character per byte (latin1), never decoded as UTF-8: the
 * signatures cover its exact bytes, and the user name, the only part beyond ASCII, is not read.
 */

import { malformedScramMessage } from "./sasl-protocol-error.ts";
import { UnsupportedSaslError } from "./unsupported-sasl-error.ts";

/**
 * The longest message taken from either side. True ones have about 100 bytes; PostgreSQL refused more
 * than 1024 until version 18, whose OAuth tokens need more.
 */
const SCRAM_MESSAGE_BYTES_MAX = 1024;

const EQUALS_SIGN = 0x3d;
const LOWER_A = 0x61;
const LOWER_Z = 0x7a;
/** Set, it makes an upper-case ASCII letter the lower-case one. */
const LOWER_CASE_BIT = 0x20;

/** Printable ASCII except the comma: `printable` of RFC 5802. */
const NONCE_PATTERN = /^[\x21-\x2b\x2d-\x7e]+$/;

export interface ScramAttribute {
  /** One ASCII letter. */
  readonly name: string;
  /** Has no comma; may be empty. */
  readonly value: string;
}

/** Returns the text of a message. Throws a SaslProtocolError if it is empty, too long or has a zero. */
export function decodeScramMessage(bytes: Uint8Array): string {
  if (bytes.byteLength === 0) throw malformedScramMessage("The message is empty.");
  if (bytes.byteLength > SCRAM_MESSAGE_BYTES_MAX)
    throw malformedScramMessage("The message is too long.");
  if (bytes.includes(0)) throw malformedScramMessage("The message holds a zero byte.");
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** Returns the bytes of a message, in a fresh buffer. */
export function encodeScramMessage(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

/**
 * Returns the attributes of `text` in order, at least one. Throws a SaslProtocolError where one is
 * malformed, and an UnsupportedSaslError for `m=`: an extension that must not be ignored.
 */
export function parseScramAttributes(text: string): readonly ScramAttribute[] {
  return text.split(",").map(parseScramAttribute);
}

/**
 * Returns the value of `attribute`, which has to be there under `name`.
 * Throws a SaslProtocolError if it isn't.
 */
export function expectAttribute(attribute: ScramAttribute | undefined, name: string): string {
  if (attribute?.name !== name)
    throw malformedScramMessage(`Attribute "${name}" expected, but something else found.`);
  return attribute.value;
}

/** Returns `value` if it can be a nonce, else throws a SaslProtocolError. */
export function expectNonce(value: string): string {
  if (!isScramNonce(value))
    throw malformedScramMessage("The nonce is empty or holds non-printable characters.");
  return value;
}

/** Tells whether `text` is printable ASCII without a comma, at least one character. */
export function isScramNonce(text: string): boolean {
  return NONCE_PATTERN.test(text);
}

function parseScramAttribute(text: string): ScramAttribute {
  if (!isLetter(text.charCodeAt(0)) || text.charCodeAt(1) !== EQUALS_SIGN)
    throw malformedScramMessage("Attribute expected, but something else found.");
  const name = text.charAt(0);
  if (name === "m") throw new UnsupportedSaslError("mandatory SCRAM extension is not supported");
  return { name, value: text.slice(2) };
}

/** Whether it is the code of an ASCII letter; NaN is not. */
function isLetter(code: number): boolean {
  const lower = code | LOWER_CASE_BIT;
  return lower >= LOWER_A && lower <= LOWER_Z;
}
