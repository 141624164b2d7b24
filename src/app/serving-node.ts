/**
 * What serves the clients of this node: the pooler in this process, or a supervisor and its workers.
 */

import type { Config } from "../config/settings.ts";
import type { Traffic } from "../control/traffic.ts";
import type { PoolerPorts } from "./pooler.ts";

export interface ServingNode {
  readonly ports: PoolerPorts;
  /** Whether it serves clients now: of several workers, one at least. */
  readonly serves: boolean;
  /** Most clients and servers at a time. */
  readonly connectionsMax: { readonly clients: number; readonly servers: number };
  /** What runs for each tenant, and how it is stopped. */
  readonly traffic: Traffic;
  /** Listens. Throws a PortTakenError with the setting that names the port; nothing is open then. */
  start(): Promise<void>;
  /** Takes over new settings, and reads certificates again. Rejects with a TlsConfigurationError, and then nothing has changed. */
  reload(config: Config, certificateAuthority: string | null): Promise<void>;
  /** A CancelRequest for a client of this node came to another process. */
  cancel(processId: number, secretKey: Uint8Array): void;
  /** Takes no more clients; those who are in stay. */
  stopListening(): void;
  /** Takes clients of the process before from now on. Returns the paths where they may be brought to; empty: it can't. */
  adoptClients(): readonly string[];
  /**
   * Has clients go on in the processes that listen at these paths, and sends the others away evenly over so long, each
   * when no transaction of it runs. Resolves when none is left, or that time is over.
   */
  leave(overMs: number, adopters: readonly string[]): Promise<void>;
  /** Lets transactions end for so long, then ends all. */
  stop(timeoutMs: number): Promise<void>;
  /** Ends the other processes of this node as they are; this one is about to end, too. */
  kill(): void;
}
