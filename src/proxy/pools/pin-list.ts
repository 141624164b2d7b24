/**
 * Who is pinned in which pool, as an operator's view shows it.
 */

import type { PinReason } from "../../session/effects/pin-reasons.ts";
import type { PoolMode } from "./pool-name.ts";

/** A client that keeps its server. */
export interface PinnedClient {
  /** What the client was told in BackendKeyData. */
  readonly processId: number;
  readonly reasons: readonly PinReason[];
}

/** The pins of one pool. */
export interface PoolPinList {
  readonly tenant: string;
  /** The name that clients log in with. */
  readonly user: string;
  readonly database: string;
  readonly mode: PoolMode;
  /** Most clients that may be pinned at this worker. */
  readonly limit: number;
  /** Clients that are pinned, or whose transaction may pin them. */
  readonly taken: number;
  /** Pinned clients by reason; one may have several. */
  readonly byReason: Readonly<Record<PinReason, number>>;
  readonly clients: readonly PinnedClient[];
}
