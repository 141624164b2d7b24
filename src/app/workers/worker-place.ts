/**
 * A worker's place in its node, as its pooler has it.
 */

import type { SupervisorPort } from "../../cluster/control-port.ts";
import type { WorkerPeers } from "../../cluster/worker-peers.ts";

export interface WorkerPlace {
  readonly peers: WorkerPeers;
  readonly supervisor: SupervisorPort;
}
