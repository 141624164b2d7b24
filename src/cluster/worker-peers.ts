/**
 * The workers of this node, as one of them sees them.
 */

import type { LinkPort } from "../link/link-port.ts";

export interface WorkerPeers {
  /** This worker's number. */
  readonly self: number;
  /** How many workers the node has, those included that are being started again. */
  readonly workers: number;
  /** The link to a worker; null: there is none now. */
  linkTo(worker: number): LinkPort | null;
  /** Resolves with the link as soon as there is one; with null when `timeoutMs` are over. */
  awaitLink(worker: number, timeoutMs: number): Promise<LinkPort | null>;
}
