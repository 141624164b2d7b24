/**
 * A peer: what is measured beside the others under the same load. Each is started once as a process
 * of its own and stays up for the whole run, idle while the others are measured.
 */

import type { Database } from "../embedded-database.ts";
import type { LoadTarget } from "../load/load-target.ts";

/** What all peers of a run have in common. */
export interface PeerSettings {
  /** The PostgreSQL behind the poolers. */
  readonly database: Database;
  /** Server connections of the pool. */
  readonly poolSize: number;
  /** Clients that will be connected at once, at most. */
  readonly clientsMax: number;
  /** What a pooler shows to clients that ask for TLS. */
  readonly certificate: CertificatePaths;
  /** An existing folder of this peer's own for files and logs; removed after the run. */
  readonly folder: string;
}

/** PEM files: a certificate, and its key without a passphrase. */
export interface CertificatePaths {
  readonly certificate: string;
  readonly key: string;
}

/** A peer that takes connections. Disposing it ends its process. */
export interface RunningPeer extends AsyncDisposable {
  /** Where its clients connect. */
  readonly target: LoadTarget;
  /** Whose CPU time is its cost, descendants included. */
  readonly pid: number;
  /** Name and version, as the report states them. */
  readonly version: string;
}

export interface Peer {
  readonly name: string;
  /** What it is measured under; null: every scenario. */
  readonly scenarios: readonly string[] | null;
  /** Why it can't run here, in a sentence; null when it can. */
  unavailable(): Promise<string | null>;
  /** Starts it. Throws with its log when it fails. */
  start(settings: PeerSettings): Promise<RunningPeer>;
}
