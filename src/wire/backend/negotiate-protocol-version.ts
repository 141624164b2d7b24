/**
 * NegotiateProtocolVersion: `Byte1('v') Int32(length) Int32(version) Int32(count) String[count](options)`.
 * The answer to a minor version that is too new, or to `_pq_.` options that are not known.
 *
 * The docs say "newest minor protocol version", but PostgreSQL sends, and libpq expects, the whole version:
 * major in the upper 16 bits.
 */

import { assert } from "../../base/assert.ts";
import type { ByteWriter } from "../byte-writer.ts";
import { COUNT_MAX, HEADER_BYTES } from "../limits.ts";
import { MessageReader } from "../message-reader.ts";
import { BACKEND } from "../message-type.ts";
import { ProtocolError } from "../protocol-error.ts";
import {
  PROTOCOL_MAJOR,
  protocolMajor,
  protocolMinor,
  protocolVersion,
} from "../protocol-version.ts";

export interface NegotiateProtocolVersion {
  /** The newest minor version of protocol 3 that the server will speak. */
  readonly minor: number;
  /** The names of the `_pq_.` options that the server does not know. */
  readonly unknownOptions: readonly string[];
}

/** Appends a NegotiateProtocolVersion. */
export function writeNegotiateProtocolVersion(
  writer: ByteWriter,
  negotiation: NegotiateProtocolVersion,
): void {
  assert(negotiation.unknownOptions.length <= COUNT_MAX, "a StartupMessage has fewer options");
  writer.begin(BACKEND.NegotiateProtocolVersion);
  writer.int32(protocolVersion(PROTOCOL_MAJOR, negotiation.minor));
  writer.int32(negotiation.unknownOptions.length);
  for (const option of negotiation.unknownOptions) writer.cstring(option);
  writer.end();
}

/**
 * Returns what the server is ready to speak.
 * @throws {ProtocolError} when that is not a version of protocol 3, or the body is malformed.
 */
export function readNegotiateProtocolVersion(
  bytes: Uint8Array,
  start: number,
  end: number,
): NegotiateProtocolVersion {
  const reader = new MessageReader(bytes, start + HEADER_BYTES, end);
  const version = reader.uint32();
  if (protocolMajor(version) !== PROTOCOL_MAJOR) {
    throw new ProtocolError("invalid protocol negotiation message");
  }
  const count = reader.uint32();
  const unknownOptions: string[] = [];
  for (let index = 0; index < count; index++) unknownOptions.push(reader.cstring());
  reader.finish();
  return { minor: protocolMinor(version), unknownOptions };
}
