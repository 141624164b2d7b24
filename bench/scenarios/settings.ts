/**
 * `select 1` by clients that have settings of their own: all the same ones, or every other client other ones, so
 * that a server has to be given some for nearly every transaction. PgBouncer keeps none of these, and is no judge
 * of the second: compare with `simple`.
 */

import { commandComplete, readyForQueryIdle } from "../load/backend-messages.ts";
import { query } from "../load/frontend-messages.ts";
import type { Exchange, Scenario } from "./scenario.ts";
import { SIMPLE } from "./select-one.ts";

export const SAME_SETTINGS: Scenario = {
  ...SIMPLE,
  name: "same-settings",
  summary: "Query, by clients that have all set the same",
  clients: [16, 64],
  setups: [[set("work_mem", "8MB"), set("lock_timeout", "5s")]],
};

export const OTHER_SETTINGS: Scenario = {
  ...SIMPLE,
  name: "other-settings",
  summary: "Query, by clients of which every other has set something else",
  clients: [16, 64],
  setups: [
    [set("work_mem", "8MB"), set("lock_timeout", "5s")],
    [set("work_mem", "9MB"), set("lock_timeout", "6s")],
  ],
};

/** Of a parameter that servers don't report. */
function set(name: string, value: string): Exchange {
  return {
    request: query(`set ${name} to '${value}'`),
    reply: [Buffer.concat([commandComplete("SET"), readyForQueryIdle()])],
  };
}
