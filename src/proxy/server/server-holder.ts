/**
 * Who holds a server, as the server sees it: a client's hold, or what cleans up after one.
 */

import type { PoolerError } from "../../base/pooler-error.ts";

export interface ServerHolder {
  /** Whether it has everything that it took the server for: it is none the worse if the server ends now. */
  readonly served: boolean;
  /** Replies came and were passed on. */
  onServerProgress(): void;
  /** The server takes bytes again. */
  onServerDrained(): void;
  /** The server is gone. */
  onServerLost(error: PoolerError, loss: Loss): void;
}

/**
 * What the loss of a server means to its client. `silent`: the server said why, or nothing may be said in
 * the middle of its reply. `none`: the holder was {@link ServerHolder.served}.
 */
export type Loss = "unsaid" | "silent" | "none";
