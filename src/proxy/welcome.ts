/**
 * What a client is told when it is in: AuthenticationOk, the parameters, its cancel key, ReadyForQuery.
 */

import { writeAuthenticationOk } from "../wire/backend/authentication-ok.ts";
import { writeBackendKeyData } from "../wire/backend/backend-key-data.ts";
import { writeParameterStatus } from "../wire/backend/parameter-status.ts";
import { TRANSACTION_STATUS, writeReadyForQuery } from "../wire/backend/ready-for-query.ts";
import { ByteWriter } from "../wire/byte-writer.ts";
import type { CancelKey } from "../wire/cancel-key.ts";

/** Returns the messages in one array of its own. */
export function welcomeMessages(
  parameters: ReadonlyMap<string, string>,
  key: CancelKey,
): Uint8Array {
  const writer = new ByteWriter(1024);
  writeAuthenticationOk(writer);
  for (const [name, value] of parameters) writeParameterStatus(writer, name, value);
  writeBackendKeyData(writer, key);
  writeReadyForQuery(writer, TRANSACTION_STATUS.Idle);
  return writer.take();
}
