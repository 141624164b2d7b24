/**
 * The permits of this worker, by group: asks the keeper for those that pools lack, gives back what is not used,
 * and sees to it that pools give up what others lack.
 *
 * What is lacked is said at once. All else is said every {@link REPORT_MS} at most, and only while somebody
 * lacks something: a worker that has what it needs says nothing.
 */

import type { Clock } from "../base/clock.ts";
import { GroupLedger } from "./group-ledger.ts";
import type { KeeperPort, LedgerDesk, LookedAt } from "./keeper-port.ts";
import type { PermitOrder } from "./permit-messages.ts";
import type { GroupLimits, PermitOffice, Permits } from "./permits.ts";

/** How long a change that nobody waits for may be kept back. */
const REPORT_MS = 25;

export class PermitLedger implements PermitOffice, LedgerDesk {
  readonly keeper: KeeperPort;
  readonly #clock: Clock;
  readonly #keepsOpen: (group: string) => boolean;
  readonly #groups = new Map<string, LookedAt>();
  readonly #looks = new Set<LookedAt>();
  /** A timer runs for what is to be looked at. */
  #isTimed = false;
  #resources = 0;

  /** @param keepsOpen whether this worker keeps open what is to be kept open of a group's pools */
  constructor(keeper: KeeperPort, clock: Clock, keepsOpen: (group: string) => boolean) {
    this.keeper = keeper;
    this.#clock = clock;
    this.#keepsOpen = keepsOpen;
  }

  get nowMs(): number {
    return this.#clock.now();
  }

  permitsOf(group: string, limits: GroupLimits): Permits {
    const ledger = new GroupLedger(group, limits, this);
    this.#groups.set(group, ledger);
    return ledger;
  }

  keepsOpen(group: string): boolean {
    return this.#keepsOpen(group);
  }

  /** What the keeper grants or asks for. */
  onOrder(order: PermitOrder): void {
    const ledger = this.#groups.get(order.group);
    if (ledger !== undefined) ledger.onOrder(order);
    else if (order.granted > 0) this.keeper.returned(order.group, order.pool, order.granted);
  }

  lookAgain(ledger: LookedAt): void {
    this.#looks.add(ledger);
    if (this.#isTimed) return;
    this.#isTimed = true;
    this.#clock.after(REPORT_MS, () => this.#look());
  }

  nextResource(): number {
    this.#resources += 1;
    return this.#resources;
  }

  forget(ledger: LookedAt): void {
    this.#looks.delete(ledger);
    if (this.#groups.get(ledger.group) === ledger) this.#groups.delete(ledger.group);
  }

  #look(): void {
    this.#isTimed = false;
    const ledgers = [...this.#looks];
    this.#looks.clear();
    for (const ledger of ledgers) ledger.look();
  }
}
