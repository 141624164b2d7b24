/**
 * What names a session to whoever wants to cancel its query: sent in BackendKeyData, sent back in a
 * CancelRequest. `Int32(process ID) Byte[](secret key)`, the key 4 bytes in protocol 3.0, up to 256 in 3.2.
 */

import { assert } from "../base/assert.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { CANCEL_KEY_BYTES_MAX, CANCEL_KEY_BYTES_MIN } from "./limits.ts";
import type { MessageReader } from "./message-reader.ts";
import { ProtocolError } from "./protocol-error.ts";

export interface CancelKey {
  /** A signed Int32. PostgreSQL never sends 0. */
  readonly processId: number;
  /** {@link CANCEL_KEY_BYTES_MIN} to {@link CANCEL_KEY_BYTES_MAX} bytes. Compare with `timingSafeEqual`, never log. */
  readonly secretKey: Uint8Array;
}

/** Appends the process ID and the key. */
export function writeCancelKey(writer: ByteWriter, key: CancelKey): void {
  assert(fitsProtocol(key.secretKey.length), "a cancel key has 4 to 256 bytes");
  writer.int32(key.processId);
  writer.bytes(key.secretKey);
}

/** Reads a cancel key that fills the rest of its message; the key is a copy. */
export function readCancelKey(reader: MessageReader): CancelKey {
  const processId = reader.int32();
  if (!fitsProtocol(reader.remaining)) throw new ProtocolError("invalid length of cancel key");
  return { processId, secretKey: reader.rest() };
}

function fitsProtocol(lengthBytes: number): boolean {
  return lengthBytes >= CANCEL_KEY_BYTES_MIN && lengthBytes <= CANCEL_KEY_BYTES_MAX;
}
