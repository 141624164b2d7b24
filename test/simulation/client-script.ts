/**
 * What a simulated client says: steps by seed, everything that uses a transaction with the client's tag and a
 * number, so that an answer shows whose it is.
 */

import { FLUSH, SYNC } from "../../src/wire/frontend/empty-requests.ts";
import {
  bind,
  closePortal,
  closeStatement,
  describePortal,
  describeStatement,
  execute,
  functionCall,
  parse,
  query,
} from "../session/support/frontend-messages.ts";
import { copyInStep, copyOutStep } from "./copy-steps.ts";
import { type Step, step } from "./script-step.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { STATEMENT_BYTES_MAX } from "./sim-pooler.ts";

const STEPS_MAX = 12;

/** Ends what may be open, so that every reply is flushed. */
const ENDING: Step = step("end", SYNC, query("rollback"), SYNC);

const COMMANDS = [
  "begin",
  "begin",
  "commit",
  "rollback",
  "fail",
  "",
  "insert",
  "rows 3",
  "wide",
  "deallocate all",
  "discard all",
  "show work_mem",
  "show work_mem",
  "reset work_mem",
  "show application_name",
  "reset application_name",
  "listen",
  "declare",
  "create temp",
  "syntax error",
] as const;

/** Statements that clients share: one interned statement under many names. */
const SHARED = ["select shared", "rows 2", "insert", "show work_mem", "fail"] as const;

/** One name more than a client may have. */
const NAMES = ["s1", "s2", "s1", "s2", "s3", "s4"] as const;

const LONG_BYTES = STATEMENT_BYTES_MAX + 100;

/**
 * Returns what the client `tag` says, in order.
 * @param bulk with more data than a buffer holds
 */
export function clientScript(random: SeededRandom, tag: string, bulk: boolean): readonly Step[] {
  const steps: Step[] = [];
  for (let left = 1 + random.below(STEPS_MAX); left > 0; left -= 1)
    steps.push(stepOf(random, `${tag}q${steps.length}`, bulk));
  return [...steps, ENDING];
}

/** Returns the settings with which the client `tag` connects: mostly none. */
export function startupSettings(random: SeededRandom, tag: string): ReadonlyMap<string, string> {
  if (!random.chance(0.15)) return new Map();
  return new Map([[random.pick(["work_mem", "application_name"]), `${tag}q0`]]);
}

/** Returns what a client says to see whether it is still served: one row with the tag. */
export function probe(tag: string): Step {
  return step("still there?", SYNC, query(`rollback -- ${tag}`), query(`select ${tag}`));
}

function stepOf(random: SeededRandom, tag: string, bulk: boolean): Step {
  if (bulk && random.chance(0.3))
    return random.chance(0.5) ? copyInStep(random, tag, bulk) : copyOutStep(random, tag, bulk);
  switch (random.below(14)) {
    case 0:
    case 1:
      return step(`query select ${tag}`, query(`select ${tag}`));
    case 2:
    case 3:
      return commandStep(random, tag);
    case 4:
      return settingStep(random, tag);
    case 5:
    case 6:
      return preparedStep(random, tag);
    case 7:
      return copyInStep(random, tag, bulk);
    case 8:
      return pipelineStep(random, tag);
    case 9:
      return portalStep(random, tag);
    case 10:
      return rareStep(random, tag);
    case 11:
      return copyOutStep(random, tag, bulk);
    default:
      return unnamedStep(random, tag);
  }
}

function commandStep(random: SeededRandom, tag: string): Step {
  const sql = random.pick(COMMANDS);
  return step(`query ${sql}`, query(`${sql} -- ${tag}`));
}

function settingStep(random: SeededRandom, tag: string): Step {
  const name = random.pick(["work_mem", "work_mem", "application_name"]);
  return step(`set ${name} to ${tag}`, query(`set ${name} to ${tag}`));
}

function unnamedStep(random: SeededRandom, tag: string): Step {
  const sql = random.chance(0.3) ? `${random.pick(COMMANDS)} -- ${tag}` : `select ${tag}`;
  const ending = random.chance(0.2) ? FLUSH : SYNC;
  return step(`unnamed ${sql}`, parse("", sql), bind("", "", [tag]), execute(), ending);
}

function preparedStep(random: SeededRandom, tag: string): Step {
  const name = random.pick(NAMES);
  const use = [bind("", name, [tag]), execute(), SYNC];
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

/** Rows in portions, from a portal with a name. */
function portalStep(random: SeededRandom, tag: string): Step {
  const rows = `rows 4 -- ${tag}`;
  const between = random.pick([FLUSH, SYNC, closePortal("p1")]);
  return step(
    `portal of ${tag}`,
    parse("", rows),
    bind("p1", "", [tag]),
    describePortal("p1"),
    execute("p1", 1 + random.below(4)),
    between,
    execute("p1", 2),
    closePortal("p1"),
    SYNC,
  );
}

function rareStep(random: SeededRandom, tag: string): Step {
  const filling = "x".repeat(LONG_BYTES);
  switch (random.below(6)) {
    case 0:
      return step("function call", functionCall(1));
    case 1:
      return step(`prepare in SQL ${tag}`, query(`prepare ${tag}`));
    case 2:
      return step("a long query", query(`select ${tag} -- ${filling}`));
    case 3:
      return step(`two at once ${tag}`, query(`insert; select ${tag}; insert`));
    case 4: {
      const sql = `select ${tag} -- ${filling}`;
      return step("a long statement", parse("", sql), bind("", "", [tag]), execute(), SYNC);
    }
    default: {
      const [name, sql] = ["s1", `select ${tag} -- ${filling}`];
      const refused = step("a long named statement", parse(name, sql), SYNC);
      return { ...refused, differs: "the statement is longer than allowed" };
    }
  }
}

function pipelineStep(random: SeededRandom, tag: string): Step {
  const parts: Uint8Array[] = [];
  for (let left = 2 + random.below(3); left > 0; left -= 1) {
    const sql = random.chance(0.7) ? `select ${tag}` : `${random.pick(COMMANDS)} -- ${tag}`;
    if (random.chance(0.4)) parts.push(query(sql));
    else parts.push(parse("", sql), bind("", "", [tag]), execute());
    if (random.chance(0.5)) parts.push(SYNC);
  }
  return step(`pipeline ${tag}`, ...parts, SYNC);
}
