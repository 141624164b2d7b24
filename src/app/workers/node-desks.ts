/**
 * The parts of a supervisor that workers speak with, but for their life and death: who decides what holds for all
 * of them together.
 */

import type { Clock } from "../../base/clock.ts";
import type { WallClock } from "../../base/wall-clock.ts";
import { ClientLedger } from "../../cluster/client-ledger.ts";
import type { WorkersPort } from "../../cluster/control-port.ts";
import type { EndServer } from "../../cluster/ghost-servers.ts";
import { PermitDesk } from "../../cluster/permit-desk.ts";
import { NodeBans } from "../../control/node-bans.ts";
import { NodeClients } from "../../control/node-clients.ts";
import { NodeRoom } from "../../control/node-room.ts";
import { NodeTraffic } from "../../control/node-traffic.ts";
import { type AddressBanLimits, AddressBans } from "../../proxy/login/address-bans.ts";
import { ConnectionRates } from "../../proxy/login/connection-rates.ts";

export interface NodeDesksParts {
  readonly workers: WorkersPort;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly limits: AddressBanLimits;
  /** MAX_CONNECTIONS; null: it is not set. */
  readonly clientsMax: number | null;
  /** Ends a server of a worker that has died. */
  readonly endServer: EndServer;
}

export class NodeDesks {
  readonly traffic: NodeTraffic;
  /** How many servers each pool and each tenant may have. */
  readonly permits: PermitDesk;
  /** How many clients. */
  readonly clients: NodeClients;
  /** What is shared out among the workers. */
  readonly room: NodeRoom;

  constructor(parts: NodeDesksParts) {
    const { workers, clock, wallClock, limits, endServer } = parts;
    this.permits = new PermitDesk(workers, clock, endServer);
    this.clients = new NodeClients(new ClientLedger(), new ConnectionRates(clock), workers);
    this.room = new NodeRoom({
      workers,
      clock,
      clientsMax: parts.clientsMax,
      processId: process.pid,
      residentBytes: () => process.memoryUsage.rss(),
    });
    const bans = new NodeBans(new AddressBans(limits, clock, wallClock), workers);
    this.traffic = new NodeTraffic(workers, bans);
  }
}
