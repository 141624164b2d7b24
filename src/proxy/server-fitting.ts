/**
 * Makes a server fit for the client that has taken it: the client's settings hold on it, and where it
 * rested for long, it has shown that it lives.
 */

import { SQLSTATE } from "../base/sqlstate.ts";
import type { ClientState } from "../session/client-state.ts";
import { settingsChange } from "../session/session-settings.ts";
import type { ErrorFields } from "../wire/backend/error-fields.ts";
import type { ServerConnection } from "./server-connection.ts";

/** Who has taken the server. */
export interface FittingClient {
  readonly client: ClientState;
  /** The server has answered; without an error the client's settings hold on it. */
  onFitted(server: ServerConnection, error: ErrorFields | null): void;
}

/**
 * Asks `server` by one query of ours; its answer is told once, unless the server is lost first.
 * @param timeoutMs a server that takes longer has died in silence, and is lost then
 */
export function fitServer(
  server: ServerConnection,
  holder: FittingClient,
  timeoutMs: number,
): void {
  const change = settingsChange(server.state.settings, holder.client.settings);
  server.tryOwn(change, timeoutMs, ({ error }) => holder.onFitted(server, error));
}

/**
 * Whether the server could not be fitted because of what its last client set, a timeout that not even a RESET
 * can meet: then it is of no use to anybody, and nothing is wrong with the settings of who has it now.
 */
export function isFromPredecessor({ state }: ServerConnection, error: ErrorFields): boolean {
  return error.sqlstate === SQLSTATE.query_canceled && state.settings !== state.noSettings;
}
