/**
 * CancelRequest: `Int32(length) Int32(80877102) Int32(process ID) Byte[](secret key)`.
 * Sent on a connection of its own, which the server closes without an answer.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { type CancelKey, readCancelKey, writeCancelKey } from "../cancel-key.ts";
import { LENGTH_FIELD_BYTES } from "../limits.ts";
import { MessageReader } from "../message-reader.ts";
import { ProtocolError } from "../protocol-error.ts";
import { REQUEST_CODE } from "./request-code.ts";

/** Appends a CancelRequest for the session that sent this key. */
export function writeCancelRequest(writer: ByteWriter, key: CancelKey): void {
  writer.beginUntyped();
  writer.int32(REQUEST_CODE.CancelRequest);
  writeCancelKey(writer, key);
  writer.end();
}

/**
 * Returns the cancel key of the packet in `[start, end)`, where `start` is the offset of its length.
 * @throws {ProtocolError} when it is another packet, or its key's length is not 4 to 256 bytes.
 */
export function readCancelRequest(bytes: Uint8Array, start: number, end: number): CancelKey {
  const reader = new MessageReader(bytes, start + LENGTH_FIELD_BYTES, end);
  if (reader.int32() !== REQUEST_CODE.CancelRequest) {
    throw new ProtocolError("invalid cancel request packet");
  }
  return readCancelKey(reader);
}
