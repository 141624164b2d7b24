/**
 * Random scripts, on PostgreSQL and through the pooler. A script that fails is shrunk, and printed as code.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import * as fc from "fast-check";
import { scriptsAbout, type Topic } from "./grammar.ts";
import { SEED } from "./run-scripts.ts";
import { Stand } from "./stand.ts";

/** For each combination of topics. */
const SCRIPTS = Number(process.env["RANDOM_SCRIPTS"] ?? 12);

/** How long a failing script is shrunk. */
const SHRINK_MS = 30_000;

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

/** A Describe of a statement that has no columns, in a transaction that has failed: likewise. */
const UNKNOWN_THERE =
  /PostgreSQL ParameterDescription.*\n *Carpool +ErrorResponse .*"sqlstate":"25P02"/;

const KNOWN = [OTHER_MISTAKE, UNKNOWN_THERE];

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
      interruptAfterTimeLimit: SHRINK_MS,
    });
    expect(failed || simplest !== "" ? `SEED=${seed}\n${simplest}` : "").toBe("");
  },
);
