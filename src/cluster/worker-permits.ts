/**
 * A worker's way to the keeper of the node's permits, which lives in the supervisor.
 */

import type { Clock } from "../base/clock.ts";
import type { KeeperPort } from "../pool/keeper-port.ts";
import { PermitLedger } from "../pool/permit-ledger.ts";
import type { PermitReport } from "../pool/permit-messages.ts";
import type { PermitOffice } from "../pool/permits.ts";
import { UnknownVerbError } from "./control-desk.ts";
import type { ControlHandler, SupervisorPort } from "./control-port.ts";
import { isPermitOrder } from "./read-permit-messages.ts";

/**
 * Returns where this worker's pools get their permits.
 * @param isFirstOwner whether this worker is the first owner of a tenant
 */
export function openPermitOffice(
  supervisor: SupervisorPort,
  clock: Clock,
  isFirstOwner: (tenantId: string) => boolean,
): PermitOffice {
  const ledger = new PermitLedger(new SupervisedKeeper(supervisor), clock, isFirstOwner);
  const handler: ControlHandler = {
    onRequest: async (verb) => {
      throw new UnknownVerbError(verb);
    },
    onNotice: (verb, body) => {
      if (verb === "permit.order" && isPermitOrder(body)) ledger.onOrder(body);
    },
  };
  supervisor.register("permit", handler);
  return ledger;
}

class SupervisedKeeper implements KeeperPort {
  readonly #supervisor: SupervisorPort;

  constructor(supervisor: SupervisorPort) {
    this.#supervisor = supervisor;
  }

  report(report: PermitReport): void {
    this.#supervisor.notify("permit.report", report);
  }

  returned(group: string, pool: string, count: number): void {
    this.#supervisor.notify("permit.returned", { group, pool, count });
  }

  opened(resource: number, group: string, pool: string, where: unknown): void {
    this.#supervisor.notify("permit.opened", { resource, group, pool, where });
  }

  closed(resource: number): void {
    this.#supervisor.notify("permit.closed", { resource });
  }
}
