/**
 * What a BackendRelay and what the pooler asks a server of its own have to say to the server's connection.
 */

import type { ErrorFields } from "../../wire/backend/error-fields.ts";

export interface BackendRelayEvents {
  /** The server sent what it did not owe: nothing of it can be trusted any more. */
  onDesync(reason: string): void;
  /** The server ends the connection, and says why. Returns whether its client is to hear that. */
  onFatal(fields: ErrorFields): boolean;
  /** Rows of the query of ours: whole DataRow messages in `bytes[start, end)`, valid during the call. */
  onOwnRows(bytes: Uint8Array, start: number, end: number): void;
  /** The ErrorResponse of the query of ours, valid during the call. ReadyForQuery follows. */
  onOwnError(bytes: Uint8Array, start: number, end: number): void;
  /** The query of ours is over. The present chunk may go on behind it. */
  onOwnDone(): void;
  /** The server refuses the settings that were sent in front of its client's message, which it skips. */
  onSettingsRefused(fields: ErrorFields): void;
}
