/**
 * ReadyForQuery outside of a transaction, as bytes: sent where no server is needed to know it.
 */

import { TRANSACTION_STATUS, writeReadyForQuery } from "../../wire/backend/ready-for-query.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";

/** Never to be written to. */
export const READY_FOR_QUERY_IDLE: Uint8Array = idle();

function idle(): Uint8Array {
  const writer = new ByteWriter();
  writeReadyForQuery(writer, TRANSACTION_STATUS.Idle);
  return writer.take();
}
