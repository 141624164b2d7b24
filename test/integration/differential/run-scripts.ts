/**
 * Makes tests of scripts: each must go through the pooler as it goes on PostgreSQL itself.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { SEED } from "../../support/seed.ts";
import type { Script } from "./script.ts";
import { Stand } from "./stand.ts";

/** Registers a test for each script; `poolSize` servers are shared with a crowd. */
export function runScripts(poolSize: 2 | 3, scripts: readonly Script[]): void {
  let stand: Stand;

  beforeAll(async () => {
    stand = await Stand.start(poolSize, SEED);
  });

  afterAll(() => stand[Symbol.asyncDispose]());

  test.each(scripts.map((script) => [script.name, script] as const))(
    "%s",
    async (_name, script) => {
      const difference = await stand.differenceOf(script);
      expect(difference === "" ? "" : `SEED=${SEED}\n${difference}`).toBe("");
    },
  );
}
