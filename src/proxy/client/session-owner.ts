/**
 * What a session is made of, and who has it. Apart from the session, so that who only knows of sessions
 * does not depend on how one works.
 */

import type { PoolerError } from "../../base/pooler-error.ts";
import type { Channel } from "../../net/channel.ts";
import type { MovableClient } from "../../net/movable-client.ts";
import type { ClientState } from "../../session/client-state.ts";
import type { FrontendLimits } from "../../session/relay/relay-owner.ts";
import type { CancelRegistry } from "../cancel/cancel-registry.ts";
import type { Welcomes } from "../login/welcomes.ts";
import type { ServerPool } from "../pools/server-pool.ts";
import type { RelayScratch } from "../server/relay-scratch.ts";
import type { TicketHolder } from "../tickets/client-ticket.ts";
import type { TicketParts } from "../tickets/session-rest.ts";
import type { BeatingClient } from "./heartbeats.ts";

/** A client that is logged in, and can be told to end. */
export interface EndableClient {
  /** Whose client it is. */
  readonly tenant: string;
  /** The name that it logged in with. */
  readonly alias: string;
  /** Ends the connection and says why. */
  end(error: PoolerError): void;
  /** As `end`, but not inside a transaction: then as soon as that is over. */
  endWhenIdle(error: PoolerError): void;
  /** Whether another process could go on with it, now or when what is under way is over. */
  readonly mayMove: boolean;
  /** Returns it as whoever passes its connection on sees it; null: that is not here, or not to be passed on. */
  asMovable(): MovableClient | null;
}

/** A client as its owner has it. */
export interface OwnedClient extends EndableClient, BeatingClient {}

/** Who has the sessions: one for all of a worker, so that none costs a closure of its own. */
export interface SessionOwner {
  readonly cancels: CancelRegistry;
  readonly welcomes: Welcomes;
  /** A session met a bug of ours. */
  onFault(error: PoolerError): void;
  /** Called once for each session. */
  onSessionOver(session: OwnedClient): void;
}

/** What one session is made of. */
export interface ClientSessionOptions {
  readonly owner: SessionOwner;
  readonly channel: Channel;
  readonly pool: ServerPool;
  readonly client: ClientState;
  readonly limits: FrontendLimits & { readonly clientStatementsMax: number };
  readonly scratch: RelayScratch;
  /** Whose ticket it gets; null: nobody could take it over. */
  readonly ticketHolder: TicketHolder | null;
  /** By what it is written; null as above. */
  readonly ticketParts: TicketParts | null;
  /** Whether another process could go on with the client's connection. */
  readonly isMovable: boolean;
  /** Bytes of the cancel key's secret: what the client's protocol version can carry. */
  readonly secretBytes: number;
}
