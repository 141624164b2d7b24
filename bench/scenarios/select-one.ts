/**
 * `select 1`, the smallest transaction: nearly all of its cost is the pooler's own.
 * The three ways a driver may ask for it; encrypted; and with a connection for each.
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
import { PLAIN, type Scenario } from "./scenario.ts";

const SQL = "select 1";
const STATEMENT = "bench_select_one";
const COLUMNS = rowDescription([{ name: "?column?", typeOid: 23, typeBytes: 4 }]);
const ROW = dataRow(["1"]);
const COMPLETE = commandComplete("SELECT 1");

export const SIMPLE: Scenario = {
  ...PLAIN,
  name: "simple",
  summary: "Query",
  clients: [1, 16, 64],
  transactions: [
    [
      {
        request: query(SQL),
        reply: [Buffer.concat([COLUMNS, ROW, COMPLETE, readyForQueryIdle()])],
      },
    ],
  ],
};

export const EXTENDED: Scenario = {
  ...PLAIN,
  name: "extended",
  summary: "Parse (unnamed), Bind, Describe, Execute, Sync in one write",
  clients: [1, 16, 64],
  transactions: [
    [
      {
        request: Buffer.concat([parse("", SQL), bind(""), describePortal(), execute(), sync()]),
        reply: [
          Buffer.concat([
            parseComplete(),
            bindComplete(),
            COLUMNS,
            ROW,
            COMPLETE,
            readyForQueryIdle(),
          ]),
        ],
      },
    ],
  ],
};

export const PREPARED: Scenario = {
  ...PLAIN,
  name: "prepared",
  summary: "a statement named and parsed once by each client, then Bind, Execute, Sync",
  clients: [1, 16, 64],
  setups: [
    [
      {
        request: Buffer.concat([parse(STATEMENT, SQL), sync()]),
        reply: [Buffer.concat([parseComplete(), readyForQueryIdle()])],
      },
    ],
  ],
  transactions: [
    [
      {
        request: Buffer.concat([bind(STATEMENT), execute(), sync()]),
        reply: [Buffer.concat([bindComplete(), ROW, COMPLETE, readyForQueryIdle()])],
      },
    ],
  ],
};

export const SIMPLE_TLS: Scenario = {
  ...SIMPLE,
  name: "simple-tls",
  summary: "Query, the clients encrypted",
  clients: [16],
  tls: true,
};

export const PREPARED_TLS: Scenario = {
  ...PREPARED,
  name: "prepared-tls",
  summary: "Bind, Execute, Sync of a prepared statement, the clients encrypted",
  clients: [16],
  tls: true,
};

export const CONNECT: Scenario = {
  ...SIMPLE,
  name: "connect",
  summary: "a new connection, its login, one Query, Terminate",
  clients: [16],
  reconnects: true,
};
