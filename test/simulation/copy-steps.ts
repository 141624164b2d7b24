/**
 * COPY in a simulated client's script: in and out, by Query and by Execute, whole and failing, with the Syncs
 * that libpq sends inside; and with more data than any buffer holds.
 */

import { COPY_DONE, FLUSH, SYNC } from "../../src/wire/frontend/empty-requests.ts";
import {
  bind,
  copyData,
  copyFail,
  execute,
  parse,
  query,
} from "../session/support/frontend-messages.ts";
import { type Step, step } from "./script-step.ts";
import type { SeededRandom } from "./seeded-random.ts";

const ROW = copyData("1\n");
const INSIDE = [ROW, ROW, SYNC, FLUSH] as const;

/** So many of so many bytes: 3 times what a client's bytes may take while they wait. */
const BULK_MESSAGES = 20;
const BULK_BYTES = 10_000;
const BULK_ROWS = 40;

/** Without it, an Execute further on would begin a COPY whose data never comes. */
const FORGET_COPY = parse("", "insert");

export function copyInStep(random: SeededRandom, tag: string, bulk: boolean): Step {
  const sql = random.pick(["copy ok", "copy ok", "copy bad", "copy late"]);
  const ending = random.chance(0.7) ? COPY_DONE : copyFail("no");
  const data = bulk ? bulkData() : Array.from({ length: random.below(4) }, () => ROW);
  const name = `${sql}, ${data.length} messages`;
  switch (random.below(3)) {
    case 0: {
      const start = [parse("", `${sql} -- ${tag}`), bind("", "", [tag]), execute()];
      return step(`extended ${name}`, ...start, ...data, ending, SYNC, FORGET_COPY, SYNC);
    }
    case 1: {
      const start = [parse("", `${sql} -- ${tag}`), bind("", "", [tag]), execute(), SYNC];
      const inside = Array.from({ length: random.below(4) }, () => random.pick(INSIDE));
      return step(`libpq's ${name}`, ...start, ...inside, ending, SYNC, FORGET_COPY, SYNC);
    }
    default:
      return step(name, query(`${sql} -- ${tag}`), ...data, ending);
  }
}

export function copyOutStep(random: SeededRandom, tag: string, bulk: boolean): Step {
  const sql = bulk ? bulkSql(random) : `copy out ${random.below(4)}`;
  if (random.chance(0.5)) return step(sql, query(`${sql} -- ${tag}`));
  const messages = [parse("", `${sql} -- ${tag}`), bind("", "", [tag]), execute(), SYNC];
  return step(`extended ${sql}`, ...messages);
}

function bulkSql(random: SeededRandom): string {
  return random.pick([`copy wide ${BULK_ROWS}`, `big ${BULK_BYTES * BULK_MESSAGES}`]);
}

function bulkData(): Uint8Array[] {
  const message = copyData("x".repeat(BULK_BYTES));
  return Array.from({ length: BULK_MESSAGES }, () => message);
}
