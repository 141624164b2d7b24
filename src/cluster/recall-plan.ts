/**
 * Which permits are asked back: those beyond a limit that has become smaller, and those that others lack.
 * The rules are those of {@link PoolGroup}, between workers: for who lacks one, what nobody has used for a
 * while is asked back first, the longest unused before others. Where there is none, who has most gives one up
 * if it has two more than who lacks it, or if that has none and has waited longer.
 *
 * What is idle for a moment only stays where it is, unless one of these two holds: between the transactions of
 * a busy worker its servers are idle again and again, and would be opened and closed for every one of them.
 *
 * Nor is anything taken from anybody for who has some and waits for a moment only: where more clients than servers
 * are busy somebody always waits, though never for long, and to move a server costs more than it brings.
 *
 * The plan is made afresh from how things stand, each time that they change: so a recall whose reason is gone
 * is gone, too.
 */

import type { YieldMode } from "../pool/permit-messages.ts";
import type { PermitHolder, PermitPool } from "./permit-holder.ts";

/**
 * How long a client must have waited before others give up a server for it, unless its worker has none. Several times
 * what the processes of a busy machine wait for their turn, and what the keeper knows late.
 */
export const PATIENCE_MS = 100;

/** A group, as far as it matters here. */
export interface RecallScope {
  readonly holders: readonly PermitHolder[];
  readonly pools: readonly (PermitPool & { readonly mostNow: number })[];
  /** Who lacks permits, the neediest first. */
  readonly askers: readonly PermitHolder[];
  readonly taken: number;
  readonly max: number;
  readonly nowMs: number;
}

/** What is asked back, and how. */
interface Choice {
  readonly holder: PermitHolder;
  readonly mode: YieldMode;
}

export class RecallPlan {
  readonly #scope: RecallScope;
  /** For each pool, permits that are on their way to it less those that come back from it. */
  readonly #balances = new Map<PermitPool, number>();
  /** As {@link #balances}, for the group. */
  #balance = 0;

  constructor(scope: RecallScope) {
    this.#scope = scope;
  }

  /** Notes with each holder what is asked of it. */
  apply(): void {
    for (const holder of this.#scope.holders) {
      holder.clearRecalls();
      holder.watched = false;
      if (holder.closing > 0) this.#move(holder.pool, -holder.closing);
    }
    this.#recallSurplus();
    for (const asker of this.#scope.askers) this.#recallFor(asker);
  }

  #recallSurplus(): void {
    const { pools, holders, max, taken } = this.#scope;
    for (const pool of pools)
      this.#recallBeyond(pool.taken + this.#balanceOf(pool) - pool.mostNow, pool.holders);
    this.#recallBeyond(taken + this.#balance - max, holders);
  }

  #recallBeyond(count: number, among: readonly PermitHolder[]): void {
    if (count > 0) watchOthers(among, null);
    for (let left = count; left > 0; left -= 1) if (!this.#recall(surplusOf(among))) return;
  }

  #recallFor(asker: PermitHolder): void {
    const { pool } = asker;
    for (let given = 0; given < asker.lack; given += 1) {
      const isPoolFull = pool.taken + this.#balanceOf(pool) >= pool.most(asker.beyond);
      const isGroupFull = this.#scope.taken + this.#balance >= this.#scope.max;
      if (isPoolFull || isGroupFull) {
        const among = isPoolFull ? pool.holders : this.#scope.holders;
        watchOthers(among, asker);
        const held = asker.kept + given;
        if (held > 0 && this.#scope.nowMs < asker.sinceMs + PATIENCE_MS) return;
        if (!this.#recall(choiceFor(asker, held, among))) return;
      }
      this.#move(pool, 1);
    }
  }

  #recall(choice: Choice | null): boolean {
    if (choice === null) return false;
    choice.holder.recall(choice.mode);
    this.#move(choice.holder.pool, -1);
    return true;
  }

  #balanceOf(pool: PermitPool): number {
    return this.#balances.get(pool) ?? 0;
  }

  #move(pool: PermitPool, count: number): void {
    this.#balances.set(pool, this.#balanceOf(pool) + count);
    this.#balance += count;
  }
}

/** What they have to spare is to be known. */
function watchOthers(holders: readonly PermitHolder[], asker: PermitHolder | null): void {
  for (const holder of holders)
    if (holder !== asker && holder.pool.yields && holder.held > 0) holder.watched = true;
}

/** Who gives up one that is beyond a limit: who has one to spare, or else who has most. Null: nobody can. */
function surplusOf(holders: readonly PermitHolder[]): Choice | null {
  let holder: PermitHolder | null = null;
  for (const other of holders)
    if (other.kept > 0 && (holder === null || isSparer(other, holder))) holder = other;
  return holder === null ? null : { holder, mode: "any" };
}

function isSparer(one: PermitHolder, other: PermitHolder): boolean {
  const [hasOne, hasOther] = [one.spareLeft > 0, other.spareLeft > 0];
  return hasOne === hasOther ? one.kept > other.kept : hasOne;
}

/**
 * Returns who gives one up for `asker`; null: it has to wait.
 * @param held what `asker` has, or is about to get
 */
function choiceFor(
  asker: PermitHolder,
  held: number,
  among: readonly PermitHolder[],
): Choice | null {
  let spare: PermitHolder | null = null;
  let richest: PermitHolder | null = null;
  for (const holder of among) {
    if (holder === asker || holder.kept <= 0) continue;
    if (holder.spareLeft > 0 && restsLonger(holder, spare)) spare = holder;
    if (isRicher(holder, richest)) richest = holder;
  }
  if (spare !== null) return { holder: spare, mode: "spare" };
  if (richest === null) return null;
  if (richest.kept >= held + 2) return { holder: richest, mode: "any" };
  const isOlder = asker.sinceMs < richest.sinceMs;
  return held === 0 && isOlder ? { holder: richest, mode: "grown" } : null;
}

function restsLonger(one: PermitHolder, other: PermitHolder | null): boolean {
  return other === null || one.restedSinceMs < other.restedSinceMs;
}

/** Of equal ones, who has waited for less. */
function isRicher(one: PermitHolder, other: PermitHolder | null): boolean {
  if (other === null || one.kept > other.kept) return true;
  return one.kept === other.kept && one.sinceMs > other.sinceMs;
}
