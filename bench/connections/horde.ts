/**
 * A crowd of more clients than one process may have descriptors for: several processes, and many addresses of this
 * machine, since the kernel has some 28 000 ports for connections to each.
 */

import { CrowdProcess } from "../crowd/crowd-process.ts";
import type { CrowdTarget } from "../crowd/crowd-protocol.ts";
import { mergedReport } from "../crowd/merged-report.ts";
import { connectionsPerProcess } from "../descriptor-limit.ts";
import type { LoadReport } from "../load/load-protocol.ts";

/** Far below what an address has ports for: the fuller they are, the longer the kernel looks for a free one. */
const CLIENTS_PER_ADDRESS = 4000;
const ADDRESSES_PER_SUBNET = 250;
/** As many as have a core: more only wait for each other. */
const OPENING_AT_ONCE = 2;

interface Troop {
  readonly crowd: CrowdProcess;
  clients: number;
}

export class Horde implements AsyncDisposable {
  readonly #target: Omit<CrowdTarget, "hosts">;
  readonly #troops: Troop[] = [];
  readonly #perProcess = connectionsPerProcess();
  #addresses = 0;

  constructor(target: Omit<CrowdTarget, "hosts">) {
    this.#target = target;
  }

  get clients(): number {
    return this.#troops.reduce((sum, { clients }) => sum + clients, 0);
  }

  /** So many more clients log in. Resolves to the seconds it took. */
  async grow(clients: number): Promise<number> {
    const beganMs = performance.now();
    const last = this.clients + clients;
    while (this.clients < last) {
      const shares: Promise<void>[] = [];
      for (let lane = 0; lane < OPENING_AT_ONCE && this.clients < last; lane += 1)
        shares.push(this.#fill(last - this.clients, OPENING_AT_ONCE - lane));
      await Promise.all(shares);
    }
    return (performance.now() - beganMs) / 1000;
  }

  /** So many queries a second over all clients. */
  async pace(seconds: number, perSecond: number): Promise<LoadReport> {
    const all = this.clients;
    const reports = await Promise.all(
      this.#troops.map(({ crowd, clients }) => crowd.pace(seconds, (perSecond * clients) / all)),
    );
    return mergedReport(reports);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#troops.map(({ crowd }) => crowd[Symbol.asyncDispose]()));
  }

  /** A process of its own gets its share of `wanted` clients, as far as they fit. */
  async #fill(wanted: number, lanes: number): Promise<void> {
    const clients = Math.min(this.#perProcess, Math.ceil(wanted / lanes));
    const first = this.clients;
    const troop = { crowd: new CrowdProcess(), clients };
    this.#troops.push(troop);
    const addresses = Math.ceil(clients / CLIENTS_PER_ADDRESS);
    const hosts = Array.from({ length: addresses }, () => this.#nextAddress());
    await troop.crowd.open({ target: { ...this.#target, hosts }, clients, first });
  }

  #nextAddress(): string {
    const number = this.#addresses++;
    const subnet = Math.floor(number / ADDRESSES_PER_SUBNET);
    return `127.0.${subnet + 1}.${(number % ADDRESSES_PER_SUBNET) + 1}`;
  }
}
