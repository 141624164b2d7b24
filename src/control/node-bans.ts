/**
 * The supervisor's part in what all workers know of failed logins: passes on what each tells, and remembers it
 * for a worker that is started again.
 */

import type { WorkersHandler, WorkersPort } from "../cluster/control-port.ts";
import type { AddressBans, RememberedAddress } from "../proxy/login/address-bans.ts";
import { ADDRESSES_PER_NOTICE, BANS, failedBody } from "./ban-messages.ts";

export class NodeBans implements WorkersHandler {
  readonly #bans: AddressBans;
  readonly #workers: WorkersPort;

  /** @param bans of the supervisor, which keeps nobody out */
  constructor(bans: AddressBans, workers: WorkersPort) {
    this.#bans = bans;
    this.#workers = workers;
    workers.register(BANS, this);
  }

  /** Forgets what these addresses did; workers are told of it by who asks for it. */
  lift(tenant: string, addresses: readonly string[]): void {
    this.#bans.lift(tenant, addresses);
  }

  /** A worker that has just come asks for all: it has them when it has the answer, which comes behind them. */
  async onRequest(worker: number, verb: string): Promise<unknown> {
    if (verb !== `${BANS}.all`) throw new Error(`unknown verb ${verb}`);
    let addresses: RememberedAddress[] = [];
    for (const address of this.#bans.remembered()) {
      addresses.push(address);
      if (addresses.length < ADDRESSES_PER_NOTICE) continue;
      this.#workers.notify(worker, `${BANS}.remembered`, addresses);
      addresses = [];
    }
    if (addresses.length > 0) this.#workers.notify(worker, `${BANS}.remembered`, addresses);
    return null;
  }

  onNotice(worker: number, verb: string, body: unknown): void {
    const { success, data } = failedBody.safeParse(body);
    if (verb !== `${BANS}.failed` || !success) return;
    this.#bans.failed(data.tenant, data.address);
    for (let other = 0; other < this.#workers.workers; other += 1)
      if (other !== worker) this.#workers.notify(other, verb, data);
  }

  onWorkerReady(): void {
    // It has asked already.
  }

  onWorkerGone(): void {
    // What failed there is remembered.
  }
}
