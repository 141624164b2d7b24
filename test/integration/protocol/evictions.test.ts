/**
 * Random pipelines of five statements over servers that keep two each: one makes room for another, but never
 * one that is used beside it.
 */

// oxlint-disable no-await-in-loop -- one script after the other

import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import {
  bind,
  closeStatement,
  describeStatement,
  execute,
  join,
  parse,
  sync,
} from "../../support/frontend-messages.ts";
import { Bench, type Step } from "../../support/same-as-postgres.ts";
import { SEED } from "../../support/seed.ts";
import { seededRandom } from "../chaos/seeded-random.ts";

const SCRIPTS = Number(process.env["RANDOM_SCRIPTS"] ?? 8);
const STEPS = 8;
const NAMES = ["a", "b", "c", "d", "e"] as const;

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start({ config: { maxPreparedStatements: 2 } });
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

type Below = (limit: number) => number;

/** Uses, described uses, a name given to another text; now and then one that does not exist. */
function randomMessages(below: Below): Uint8Array {
  const name = NAMES[below(NAMES.length)] ?? "a";
  switch (below(6)) {
    case 0:
      return join(closeStatement(name), parse(name, `select '${name}', ${below(3)} as x`));
    case 1:
      return closeStatement(below(4) === 0 ? name : "nobody");
    case 2:
      return join(describeStatement(name), bind(name, [], name), execute(name));
    default:
      return join(bind(name), execute());
  }
}

function randomStep(below: Below): Step {
  const parts: Uint8Array[] = [];
  let ready = 1;
  for (let count = 3 + below(12); count > 0; count -= 1) {
    parts.push(randomMessages(below));
    if (below(5) > 0) continue;
    parts.push(sync);
    ready += 1;
  }
  return { send: join(...parts, sync), ready, rotate: below(3) > 0 };
}

test(
  "a statement is never taken away before its use in the same pipeline",
  async () => {
    const random = seededRandom(SEED);
    const below: Below = (limit) => Math.floor(random() * limit);
    const all = join(...NAMES.map((name) => parse(name, `select '${name}', 0 as x`)), sync);
    for (let script = 0; script < SCRIPTS; script += 1) {
      const steps = Array.from({ length: STEPS }, () => randomStep(below));
      const { expected, actual } = await bench.compare([{ send: all }, ...steps]);
      expect({ seed: SEED, replies: actual }).toEqual({ seed: SEED, replies: [...expected] });
    }
  },
  Math.max(30_000, 300 * SCRIPTS),
);

test("a pipeline of fifty finds them all, on servers that keep two", async () => {
  const names = Array.from({ length: 50 }, (_, index) => `s${index}`);
  const prepared = join(...names.map((name) => parse(name, `select '${name}'`)), sync);
  const used = join(...names.map((name) => join(bind(name), execute())), sync);
  const { expected, actual } = await bench.compare([
    { send: prepared },
    { send: used, rotate: true },
    { send: join(used, used), ready: 2, rotate: true },
    { send: used, rotate: true },
  ]);
  expect(actual).toEqual([...expected]);
});
