/**
 * What a {@link ServerHold} asks of the client whose it is. Apart from the hold, so that neither the hold nor the
 * client's session depends on how the other works.
 */

import type { PoolerError } from "../../base/pooler-error.ts";
import type { Channel } from "../../net/channel.ts";
import type { ClientState } from "../../session/client-state.ts";
import type { FrontendRelay } from "../../session/relay/frontend-relay.ts";
import type { ServerPool } from "../pools/server-pool.ts";
import type { ClientFlow } from "./client-flow.ts";

/**
 * Told what becomes of its server, it reads its client on accordingly. Its parts are its hold's, too, which has no
 * references of its own to them: those would be some 50 bytes more of each client.
 */
export interface HoldingClient {
  readonly client: ClientState;
  readonly pool: ServerPool;
  readonly channel: Channel;
  readonly relay: FrontendRelay;
  readonly flow: ClientFlow;
  /** What its client knows as its process id; 0 before it does. */
  readonly processId: number;
  /** It is gone, and may be lent nothing. */
  readonly over: boolean;
  /** Why it ends when its transaction is over; null: it goes on. */
  readonly farewell: PoolerError | null;
  /** The server is there for what the client sends. */
  onServerReady(): void;
  /** Goes on with what the client sent, as far as that is possible now. */
  goOn(): void;
  /** The relay has read on. `accepted` is false where the server holds some of that back. */
  afterRelay(accepted: boolean): void;
  /** Ends the connection and says why. */
  end(error: PoolerError): void;
  /** Ends the connection where nothing may be said: who has the beginning of a reply would take it for the rest. */
  endSilently(): void;
}
