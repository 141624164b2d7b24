/**
 * What requests, answers, notices and openings say: JSON, behind a verb where they have one.
 */

import { BODY_BYTES_MAX, FRAME, mayHaveLength } from "./frame.ts";
import { LinkProtocolError } from "./link-errors.ts";

const VERB_BYTES_MAX = 255;

/** Of why a request failed, so much is told. */
const TEXT_BYTES_MAX = 4096;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A verb and what it is about. */
export interface Call {
  readonly verb: string;
  readonly body: unknown;
}

/** Returns `body` as JSON; what JSON does not know at its top is null. Throws where it cannot be JSON. */
export function encodeBody(body: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(body) ?? "null");
}

/** Throws where the verb is longer than 255 bytes, the body cannot be JSON, or both are too long for a frame. */
export function encodeCall(verb: string, body: unknown): Uint8Array {
  const name = encoder.encode(verb);
  const json = encodeBody(body);
  const bytes = new Uint8Array(1 + name.length + json.length);
  if (name.length > VERB_BYTES_MAX || !mayHaveLength(FRAME.request, bytes.length))
    throw new RangeError(`what is sent with "${verb}" is too long for a link`);
  bytes[0] = name.length;
  bytes.set(name, 1);
  bytes.set(json, 1 + name.length);
  return bytes;
}

/** As {@link encodeBody}; throws where that is too long for a frame. */
export function encodeAnswer(body: unknown): Uint8Array {
  const bytes = encodeBody(body);
  if (bytes.length > BODY_BYTES_MAX) throw new RangeError("the answer is too long for a link");
  return bytes;
}

/** Returns as much of `text` as a frame holds. */
export function encodeText(text: string): Uint8Array {
  return encoder.encode(text).subarray(0, TEXT_BYTES_MAX);
}

/** Returns the text; what is not UTF-8 in it is replaced. */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  return decoder.decode(bytes.subarray(start, end));
}

/** @throws LinkProtocolError where it is not JSON */
export function decodeBody(bytes: Uint8Array, start: number, end: number): unknown {
  try {
    return JSON.parse(decodeText(bytes, start, end));
  } catch {
    throw new LinkProtocolError("a body came that is not JSON");
  }
}

/** @throws LinkProtocolError where it is not a verb and JSON */
export function decodeCall(bytes: Uint8Array, start: number, end: number): Call {
  const bodyStart = start + 1 + (bytes[start] ?? 0);
  if (bodyStart > end) throw new LinkProtocolError("a verb came that is cut");
  const verb = decodeText(bytes, start + 1, bodyStart);
  return { verb, body: decodeBody(bytes, bodyStart, end) };
}
