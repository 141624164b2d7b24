/**
 * ReadyForQuery: `Byte1('Z') Int32(5) Byte1(status)`. The server has answered everything up to here.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { readByte } from "../bytes.ts";
import { HEADER_BYTES } from "../limits.ts";
import { BACKEND } from "../message-type.ts";
import { ProtocolError } from "../protocol-error.ts";

/** Where the session stands: the bytes `I`, `T` and `E`. */
export const TRANSACTION_STATUS = {
  /** `I`: in no transaction block. */
  Idle: 0x49,
  /** `T`: in a transaction block. */
  InTransaction: 0x54,
  /** `E`: in a failed transaction block; all but its end is refused. */
  Failed: 0x45,
} as const;

export type TransactionStatus = (typeof TRANSACTION_STATUS)[keyof typeof TRANSACTION_STATUS];

/** Appends a ReadyForQuery. */
export function writeReadyForQuery(writer: ByteWriter, status: TransactionStatus): void {
  writer.begin(BACKEND.ReadyForQuery);
  writer.byte(status);
  writer.end();
}

/**
 * Returns the status byte. Called once a transaction: does not allocate.
 * @throws {ProtocolError} when the message has another length, or a status that the protocol does not define.
 */
export function readReadyForQuery(
  bytes: Uint8Array,
  start: number,
  end: number,
): TransactionStatus {
  if (end - start !== HEADER_BYTES + 1) throw new ProtocolError("invalid message format");
  const status = readByte(bytes, start + HEADER_BYTES);
  switch (status) {
    case TRANSACTION_STATUS.Idle:
    case TRANSACTION_STATUS.InTransaction:
    case TRANSACTION_STATUS.Failed:
      return status;
    default:
      throw new ProtocolError("invalid transaction status");
  }
}
