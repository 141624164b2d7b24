/**
 * What a simulated client says: steps by seed, every query with the client's tag and a number, so that
 * an answer shows whose it is.
 */

import { COPY_DONE, FLUSH, SYNC } from "../../src/wire/frontend/empty-requests.ts";
import {
  bind,
  closeStatement,
  copyData,
  copyFail,
  describeStatement,
  execute,
  joined,
  parse,
  query,
} from "../session/support/frontend-messages.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface Step {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Ends what may be open, so that every reply is flushed. */
const ENDING: Step = { name: "end", bytes: joined(SYNC, query("rollback"), SYNC) };

const COMMANDS = [
  "begin",
  "begin",
  "commit",
  "rollback",
  "fail",
  "",
  "insert",
  "rows 3",
  "deallocate all",
  "discard all",
  "show work_mem",
  "show work_mem",
  "reset work_mem",
  "syntax error",
];

/** Statements that clients share: one interned statement under many names. */
const SHARED = ["select shared", "rows 2", "insert", "show work_mem", "fail"];

/** Returns what the client `tag` says, in order. */
export function clientScript(random: SeededRandom, tag: string, stepsMax: number): readonly Step[] {
  const steps: Step[] = [];
  for (let left = 1 + random.below(stepsMax); left > 0; left -= 1)
    steps.push(stepOf(random, `${tag}q${steps.length}`));
  return [...steps, ENDING];
}

function stepOf(random: SeededRandom, tag: string): Step {
  switch (random.below(9)) {
    case 0:
    case 1:
      return step(`query select ${tag}`, query(`select ${tag}`));
    case 2:
    case 3: {
      const sql = random.pick(COMMANDS);
      return step(`query ${sql}`, query(`${sql} -- ${tag}`));
    }
    case 4:
      return step(`set ${tag}`, query(`set work_mem to ${tag}`));
    case 5:
      return preparedStep(random);
    case 6:
      return copyStep(random);
    case 7:
      return pipelineStep(random, tag);
    default:
      return unnamedStep(random, tag);
  }
}

function unnamedStep(random: SeededRandom, tag: string): Step {
  const sql = random.chance(0.3) ? `${random.pick(COMMANDS)} -- ${tag}` : `select ${tag}`;
  const ending = random.chance(0.2) ? FLUSH : SYNC;
  return step(`unnamed ${sql}`, parse("", sql), bind("", ""), execute(), ending);
}

function preparedStep(random: SeededRandom): Step {
  const name = random.pick(["s1", "s2"]);
  const use = [bind("", name), execute(), SYNC];
  switch (random.below(4)) {
    case 0:
      return step(`close ${name}`, closeStatement(name), SYNC);
    case 1:
      return step(`use ${name}`, ...use);
    default: {
      const sql = random.pick(SHARED);
      return step(`prepare ${name}: ${sql}`, parse(name, sql), describeStatement(name), ...use);
    }
  }
}

function copyStep(random: SeededRandom): Step {
  const data = Array.from({ length: random.below(4) }, () => copyData("1\n"));
  const sql = random.pick(["copy ok", "copy bad"]);
  const ending = random.chance(0.7) ? COPY_DONE : copyFail("no");
  return step(`${sql}, ${data.length} rows`, query(sql), ...data, ending);
}

function pipelineStep(random: SeededRandom, tag: string): Step {
  const parts: Uint8Array[] = [];
  for (let left = 2 + random.below(3); left > 0; left -= 1) {
    const sql = random.chance(0.7) ? `select ${tag}` : `${random.pick(COMMANDS)} -- ${tag}`;
    if (random.chance(0.4)) parts.push(query(sql));
    else parts.push(parse("", sql), bind("", ""), execute());
    if (random.chance(0.5)) parts.push(SYNC);
  }
  return step(`pipeline ${tag}`, ...parts, SYNC);
}

function step(name: string, ...messages: readonly Uint8Array[]): Step {
  return { name, bytes: joined(...messages) };
}
