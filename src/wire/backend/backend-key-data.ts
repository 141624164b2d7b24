/**
 * BackendKeyData: `Byte1('K') Int32(length) Int32(process ID) Byte[](secret key)`.
 * What the client needs to send a CancelRequest.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { type CancelKey, readCancelKey, writeCancelKey } from "../cancel-key.ts";
import { HEADER_BYTES } from "../limits.ts";
import { MessageReader } from "../message-reader.ts";
import { BACKEND } from "../message-type.ts";

/** Appends a BackendKeyData. A key of other than 4 bytes is only for clients of protocol 3.2. */
export function writeBackendKeyData(writer: ByteWriter, key: CancelKey): void {
  writer.begin(BACKEND.BackendKeyData);
  writeCancelKey(writer, key);
  writer.end();
}

/** Returns the cancel key. @throws {ProtocolError} when its length is not 4 to 256 bytes. */
export function readBackendKeyData(bytes: Uint8Array, start: number, end: number): CancelKey {
  return readCancelKey(new MessageReader(bytes, start + HEADER_BYTES, end));
}
