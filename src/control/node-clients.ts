/**
 * The supervisor's part in the limits of clients: counts those of all workers, and says who may come in.
 */

import type { ClientLedger } from "../cluster/client-ledger.ts";
import type { WorkersHandler, WorkersPort } from "../cluster/control-port.ts";
import type { ConnectionRates } from "../proxy/login/connection-rates.ts";
import {
  beginBody,
  CLIENTS,
  censusBody,
  enterBody,
  joinedBody,
  leftBody,
} from "./client-messages.ts";

export class NodeClients implements WorkersHandler {
  readonly #ledger: ClientLedger;
  readonly #rates: ConnectionRates;

  constructor(ledger: ClientLedger, rates: ConnectionRates, workers: WorkersPort) {
    this.#ledger = ledger;
    this.#rates = rates;
    workers.register(CLIENTS, this);
  }

  async onRequest(worker: number, verb: string, body: unknown): Promise<unknown> {
    switch (verb) {
      case `${CLIENTS}.begin`: {
        const { tenant, rate } = beginBody.parse(body);
        return { waitMs: this.#rates.ask(tenant, rate) };
      }
      case `${CLIENTS}.enter`: {
        const { place, limits } = enterBody.parse(body);
        return { refusal: this.#ledger.enter(worker, place, limits) };
      }
      default:
        throw new Error(`unknown verb ${verb}`);
    }
  }

  onNotice(worker: number, verb: string, body: unknown): void {
    if (verb === `${CLIENTS}.joined`) this.#onJoined(worker, body);
    if (verb === `${CLIENTS}.left`) this.#onLeft(worker, body);
    if (verb === `${CLIENTS}.census`) this.#onCensus(worker, body);
  }

  onWorkerReady(): void {
    // It has no clients yet.
  }

  onWorkerGone(worker: number): void {
    this.#ledger.forgetWorker(worker);
  }

  #onJoined(worker: number, body: unknown): void {
    const { success, data } = joinedBody.safeParse(body);
    if (success) for (const count of data) this.#ledger.add(worker, count);
  }

  #onLeft(worker: number, body: unknown): void {
    const { success, data } = leftBody.safeParse(body);
    if (success) for (const count of data) this.#ledger.remove(worker, count);
  }

  #onCensus(worker: number, body: unknown): void {
    const { success, data } = censusBody.safeParse(body);
    if (!success) return;
    this.#ledger.forget(worker, data.tenant);
    for (const count of data.counts)
      if (count.tenant === data.tenant) this.#ledger.add(worker, count);
  }
}
