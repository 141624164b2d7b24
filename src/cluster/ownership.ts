/**
 * Which workers own a tenant, by rendezvous hashing (Thaler and Ravishankar, 1996): every worker gets a score
 * for the tenant, and the highest ones own it. Everybody comes to the same result without asking anybody, and
 * with one worker more or less only that one's tenants move.
 *
 * A worker that is being started again keeps its place: its tenants wait for it. Were they moved to the next
 * one, what has ended the first worker would end that one too.
 */

import { LruMap } from "../base/lru-map.ts";

/** Results that are kept: for as many tenants as are in use at a time on a large node. */
const RANKINGS_MAX = 100_000;

export class Ownership {
  readonly workers: number;
  readonly #rankings = new LruMap<string, readonly number[]>(RANKINGS_MAX);

  /** @param workers of the node, numbered from 0 */
  constructor(workers: number) {
    this.workers = workers;
  }

  /** Returns all workers, the tenant's first owner first. */
  ranking(tenantId: string): readonly number[] {
    const known = this.#rankings.get(tenantId);
    if (known !== undefined) return known;
    const ranking = this.#rank(tenantId);
    this.#rankings.set(tenantId, ranking);
    return ranking;
  }

  #rank(tenantId: string): readonly number[] {
    const scored = Array.from({ length: this.workers }, (_, worker) => ({
      worker,
      score: Bun.hash.xxHash64(tenantId, BigInt(worker)),
    }));
    scored.sort((one, other) => (one.score < other.score ? 1 : -1));
    return scored.map(({ worker }) => worker);
  }
}
