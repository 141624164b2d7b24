/**
 * Makes a server fit for the client that has taken it: the client's settings hold on it, and where it
 * rested for long, it has shown that it lives.
 */

import type { PoolerError } from "../../base/pooler-error.ts";
import { SQLSTATE } from "../../base/sqlstate.ts";
import type { ClientState } from "../../session/client-state.ts";
import { settingsChange, settingsRestoration } from "../../session/settings/session-settings.ts";
import type { ErrorFields } from "../../wire/backend/error-fields.ts";
import { SettingsRefusedError } from "../proxy-errors.ts";
import type { ServerConnection } from "../server/server-connection.ts";
import type { ServerHolder } from "../server/server-holder.ts";

/** Who has taken the server. Is told one of these, unless the server is lost or given back first. */
export interface FittingClient extends ServerHolder {
  readonly client: ClientState;
  /** The client's settings hold on it. */
  onFitted(server: ServerConnection): void;
  /** It is of no use to anybody, and ends: another one is needed. */
  onUnfit(): void;
  /** It refuses the client's settings. */
  end(error: PoolerError): void;
}

/**
 * Asks `server` by one query of ours.
 * @param timeoutMs a server that takes longer has died in silence, and is lost then
 */
export function fitServer(
  server: ServerConnection,
  holder: FittingClient,
  timeoutMs: number,
): void {
  const { settings } = holder.client;
  const change = settingsChange(server.state.settings, settings);
  server.tryOwn(change, timeoutMs, ({ error }) => {
    if (!server.isHeldBy(holder)) return;
    if (error === null) {
      server.state.adoptSettings(settings);
      holder.onFitted(server);
    } else if (isFromPredecessor(server, error)) {
      server.endHold();
      server.end();
      holder.onUnfit();
    } else holder.end(new SettingsRefusedError(error, settings === holder.client.startupSettings));
  });
}

/**
 * Puts back what the client asked for when it connected, in the middle of its hold. What PostgreSQL does not
 * take any more stays as it is.
 */
export function restoreSettings(server: ServerConnection, holder: FittingClient): void {
  const { state } = server;
  state.settingsTouched = false;
  state.restoring = true;
  holder.client.told ??= new Map(state.parameters);
  const { startupSettings } = holder.client;
  const { roleReset } = state;
  state.roleReset = false;
  server.runOwn(settingsRestoration(startupSettings, roleReset), () => {
    state.restoring = false;
    if (server.isHeldBy(holder)) holder.onFitted(server);
  });
}

/**
 * Whether the server could not be fitted because of what its last client set, a timeout that not even a RESET
 * can meet: then nothing is wrong with the settings of who has it now.
 */
function isFromPredecessor({ state }: ServerConnection, error: ErrorFields): boolean {
  return error.sqlstate === SQLSTATE.query_canceled && state.settings !== state.noSettings;
}
