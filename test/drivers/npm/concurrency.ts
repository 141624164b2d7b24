/** The topic that is the same for all stacks with transactions as functions. */

import { atOnce } from "./harness.ts";

/** Adds one to the counter and returns the tag as the database says it, both in one transaction. */
export type CountOnce = (tag: string) => Promise<string>;

/** Returns, for each of twenty clients, the tags that it got in ten transactions: only ever its own. */
export function countTogether(countOnce: CountOnce): Promise<string[][]> {
  return atOnce(async (client) => {
    const seen = new Set<string>();
    for (let round = 0; round < 10; round++) seen.add(await countOnce(`tag ${client}`));
    return [...seen];
  });
}
