/**
 * The permits of one pool of a group, over all workers: its limits, who has how many, and those of workers
 * that are gone.
 */

import { assert } from "../base/assert.ts";
import type { PermitLimits } from "../pool/permit-messages.ts";
import { PermitHolder, type PermitPool } from "./permit-holder.ts";

export class PoolPermits implements PermitPool {
  readonly name: string;
  readonly #holders = new Map<number, PermitHolder>();
  #size = Number.POSITIVE_INFINITY;
  #reserve = 0;
  #revision = "";
  /** Of workers that are gone, whose resources may not be. */
  #ghosts = 0;
  #taken = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Permits that somebody has, ghosts included. */
  get taken(): number {
    return this.#taken;
  }

  get yields(): boolean {
    return this.name !== "";
  }

  get holders(): readonly PermitHolder[] {
    return [...this.#holders.values()];
  }

  get over(): boolean {
    return this.#holders.size === 0 && this.#ghosts === 0;
  }

  /** How many there may be for who waits, or has waited for long. */
  most(beyond: boolean): number {
    return beyond ? this.#size + this.#reserve : this.#size;
  }

  /** How many there may be now: the reserve is kept while anybody waits. */
  get mostNow(): number {
    for (const { waiting } of this.#holders.values()) if (waiting > 0) return this.most(true);
    return this.#size;
  }

  follow({ size, reserve, revision }: PermitLimits): void {
    if (revision < this.#revision) return;
    this.#revision = revision;
    this.#size = size ?? Number.POSITIVE_INFINITY;
    this.#reserve = reserve;
  }

  find(worker: number): PermitHolder | null {
    return this.#holders.get(worker) ?? null;
  }

  ensure(worker: number): PermitHolder {
    const known = this.#holders.get(worker);
    if (known !== undefined) return known;
    const holder = new PermitHolder(worker, this);
    this.#holders.set(worker, holder);
    return holder;
  }

  grant(holder: PermitHolder): void {
    holder.grant();
    this.#taken += 1;
  }

  returned(holder: PermitHolder, count: number): void {
    holder.returned(count);
    this.#taken -= count;
  }

  /** It has nothing, and asks for nothing. */
  forget(holder: PermitHolder): void {
    this.#holders.delete(holder.worker);
  }

  /** Its worker is gone: what it had stays taken. */
  bury(holder: PermitHolder): void {
    this.#holders.delete(holder.worker);
    this.#ghosts += holder.held;
  }

  /** The resource of one that is gone is gone, too. */
  freeGhost(): void {
    assert(this.#ghosts > 0, "a ghost is freed once");
    this.#ghosts -= 1;
    this.#taken -= 1;
  }
}
