/**
 * What a client's time limits cost a transaction: the session path with none and with all of them, in
 * turns, since the clock of a busy machine tells two runs apart that differ by nothing.
 */

import { SIMPLE } from "../scenarios/select-one.ts";
import { EVERY_TIME } from "./memory-pooler.ts";
import { prepareWay, type Way } from "./session-path.ts";

/** One turn takes some milliseconds. */
const TRANSACTIONS = 4000;
const TURNS = 200;
/** The runtime compiles for what it has seen: so it sees both from the start, in short turns. */
const FIRST_TRANSACTIONS = 50;
const FIRST_TURNS = 4000;

/** Measures, and returns the line that tells the result. */
export async function measureTimeLimits(): Promise<string> {
  const [free, limited] = [await prepareWay(SIMPLE), await prepareWay(SIMPLE, EVERY_TIME)];
  const ratios: number[] = [];
  const costs: number[] = [];
  for (let turn = 0; turn < FIRST_TURNS; turn += 1)
    nanoseconds(turn % 2 === 0 ? limited : free, FIRST_TRANSACTIONS);
  for (let turn = 0; turn < TURNS; turn += 1) {
    const [first, second] = turn % 2 === 0 ? [free, limited] : [limited, free];
    const [firstNs, secondNs] = [
      nanoseconds(first, TRANSACTIONS),
      nanoseconds(second, TRANSACTIONS),
    ];
    const [freeNs, limitedNs] = turn % 2 === 0 ? [firstNs, secondNs] : [secondNs, firstNs];
    ratios.push(limitedNs / freeNs);
    costs.push(freeNs);
  }
  const percent = ((median(ratios) - 1) * 100).toFixed(1);
  return `time limits: ${percent} % of ${median(costs).toFixed(0)} ns per transaction, in memory (median of ${TURNS} pairs)`;
}

function nanoseconds({ transaction }: Way, transactions: number): number {
  const sinceNs = Bun.nanoseconds();
  for (let count = 0; count < transactions; count += 1) transaction();
  return (Bun.nanoseconds() - sinceNs) / transactions;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
