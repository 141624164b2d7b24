/**
 * `select 1`, the smallest transaction: nearly all of its cost is the pooler's own.
 * The three ways a driver may ask for it.
 */

import {
  bindComplete,
  commandComplete,
  dataRow,
  parseComplete,
  readyForQueryIdle,
  rowDescription,
} from "../load/backend-messages.ts";
import { bind, describePortal, execute, parse, query, sync } from "../load/frontend-messages.ts";
import type { Scenario } from "./scenario.ts";

const SQL = "select 1";
const STATEMENT = "bench_select_one";
const COLUMNS = rowDescription([{ name: "?column?", typeOid: 23, typeBytes: 4 }]);
const ROW = dataRow(["1"]);
const COMPLETE = commandComplete("SELECT 1");

export const SIMPLE: Scenario = {
  name: "simple",
  summary: "Query",
  setup: [],
  transaction: [
    {
      request: query(SQL),
      reply: Buffer.concat([COLUMNS, ROW, COMPLETE, readyForQueryIdle()]),
    },
  ],
};

export const EXTENDED: Scenario = {
  name: "extended",
  summary: "Parse (unnamed), Bind, Describe, Execute, Sync in one write",
  setup: [],
  transaction: [
    {
      request: Buffer.concat([parse("", SQL), bind(""), describePortal(), execute(), sync()]),
      reply: Buffer.concat([
        parseComplete(),
        bindComplete(),
        COLUMNS,
        ROW,
        COMPLETE,
        readyForQueryIdle(),
      ]),
    },
  ],
};

export const PREPARED: Scenario = {
  name: "prepared",
  summary: "a statement named and parsed once by each client, then Bind, Execute, Sync",
  setup: [
    {
      request: Buffer.concat([parse(STATEMENT, SQL), sync()]),
      reply: Buffer.concat([parseComplete(), readyForQueryIdle()]),
    },
  ],
  transaction: [
    {
      request: Buffer.concat([bind(STATEMENT), execute(), sync()]),
      reply: Buffer.concat([bindComplete(), ROW, COMPLETE, readyForQueryIdle()]),
    },
  ],
};
