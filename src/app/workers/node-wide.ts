/**
 * What a worker's pooler does not decide by itself, because it holds for all workers of the node together.
 */

import type { Clock } from "../../base/clock.ts";
import type { SupervisorPort } from "../../cluster/control-port.ts";
import { Ownership } from "../../cluster/ownership.ts";
import { hasSeveralOwners, ownersOf } from "../../cluster/tenant-owners.ts";
import type { WorkerPeers } from "../../cluster/worker-peers.ts";
import { openPermitOffice } from "../../cluster/worker-permits.ts";
import { SharedBans } from "../../control/shared-bans.ts";
import { SharedClients } from "../../control/shared-clients.ts";
import type { Traffic } from "../../control/traffic.ts";
import { TrafficHandler } from "../../control/traffic-handler.ts";
import type { PermitOffice } from "../../pool/permits.ts";
import type { AddressBans } from "../../proxy/login/address-bans.ts";
import type { OwnerPlace } from "../../proxy/pools/owner-share.ts";
import type { StoredTenant } from "../../tenants/tenant.ts";
import type { WorkerPlace } from "./worker-place.ts";

export class NodeWide {
  readonly peers: WorkerPeers;
  readonly ownership: Ownership;
  /** Where pools get permits for their servers. */
  readonly permits: PermitOffice;
  /** Where clients are counted whose tenant may have several owners. */
  readonly census: SharedClients;
  /** Hears of each failed login, and tells the other workers. */
  readonly failedLogins: SharedBans;
  readonly #supervisor: SupervisorPort;

  /** @param bans those of this worker */
  constructor({ peers, supervisor }: WorkerPlace, clock: Clock, bans: AddressBans) {
    const ownership = new Ownership(peers.workers);
    this.peers = peers;
    this.#supervisor = supervisor;
    this.ownership = ownership;
    this.permits = openPermitOffice(
      supervisor,
      clock,
      (tenantId) => ownership.ranking(tenantId)[0] === peers.self,
    );
    this.census = new SharedClients(supervisor, clock, (tenant) =>
      hasSeveralOwners(tenant, ownership.ranking(tenant.external_id)),
    );
    this.failedLogins = new SharedBans(bans, supervisor);
  }

  /** The place of this worker among those that may own `tenant`. */
  readonly placeOf = (tenant: StoredTenant): OwnerPlace => {
    const owners = ownersOf(tenant, this.ownership.ranking(tenant.external_id));
    const index = owners.indexOf(this.peers.self);
    return { index: index < 0 ? owners.length : index, owners: owners.length };
  };

  /**
   * Learns what the node knows already, and does to `traffic` what its operator says. To be awaited before any
   * client is taken. Rejects if the supervisor is away.
   */
  async catchUp(traffic: Traffic): Promise<void> {
    const handler = new TrafficHandler(traffic, this.#supervisor);
    await Promise.all([this.failedLogins.catchUp(), handler.catchUp()]);
  }
}
