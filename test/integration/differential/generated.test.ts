/**
 * Random scripts, on PostgreSQL and through the pooler. A script that fails is shrunk, and printed as code.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import * as fc from "fast-check";
import { SEED } from "../../support/seed.ts";
import { scriptsAbout, type Topic } from "./grammar.ts";
import { Stand } from "./stand.ts";

/** For each combination of topics. */
const SCRIPTS = Number(process.env["RANDOM_SCRIPTS"] ?? 12);

/** All of them, with the shrinking of one that fails. */
const TIME_LIMIT_MS = Math.max(30_000, 300 * SCRIPTS);

const COMBINATIONS: readonly (readonly Topic[])[] = [
  ["settings"],
  ["settings", "transactions"],
  ["transactions", "tables"],
  ["settings", "transactions", "tables"],
  ["prepares", "transactions"],
  ["leftovers", "transactions"],
  ["leftovers", "settings", "transactions"],
];

/**
 * A Bind with too few parameters, in a transaction that has failed: PostgreSQL sees the one mistake first, and a server
 * that has to be given the statement the other. Known to differ (docs/modes.md).
 */
const OTHER_MISTAKE = /"sqlstate":"08P01".*\n *Carpool +ErrorResponse .*"sqlstate":"25P02"/;

/** A name in use that is prepared behind the end of a failed transaction, in the same text: likewise. */
const NAME_TAKEN_OVER =
  /query\("(?:.*; )?(?:commit|rollback); (?:.*; )?prepare [^]*"sqlstate":"42P05".*\n *Carpool +CommandComplete PREPARE/;

const KNOWN = [OTHER_MISTAKE, NAME_TAKEN_OVER];

let stand: Stand;

beforeAll(async () => {
  stand = await Stand.start(3, SEED);
});

afterAll(() => stand[Symbol.asyncDispose]());

test.each(COMBINATIONS.map((topics) => [topics.join(" and "), topics] as const))(
  "random scripts about %s go as on PostgreSQL",
  async (_name, topics) => {
    let simplest = "";
    const run = fc.asyncProperty(scriptsAbout(topics), async (script) => {
      const difference = await stand.differenceOf(script);
      if (difference === "" || KNOWN.some((known) => known.test(difference))) return true;
      simplest = difference;
      return false;
    });
    const { seed, failed } = await fc.check(run, {
      seed: SEED,
      numRuns: SCRIPTS,
      interruptAfterTimeLimit: TIME_LIMIT_MS,
    });
    expect(failed || simplest !== "" ? `SEED=${seed}\n${simplest}` : "").toBe("");
  },
);
