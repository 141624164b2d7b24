/**
 * The transaction of `pgbench`, after TPC-B: five statements between BEGIN and END, seven round trips.
 * Source: "What Is the “Transaction” Actually Performed in pgbench?" in PostgreSQL's documentation of pgbench.
 *
 * As many branches as a pool has servers, so that clients seldom wait for each other's rows, but fewer
 * accounts for each than pgbench has: they are made in a second, and the pooler can't tell.
 */

import {
  bindComplete,
  commandComplete,
  noData,
  parseComplete,
  readyForQueryIdle,
  readyForQueryInTransaction,
} from "../load/backend-messages.ts";
import { bind, describePortal, execute, parse, query, sync } from "../load/frontend-messages.ts";
import { type Exchange, PLAIN, type ReplyPart, type Scenario } from "./scenario.ts";

const BRANCHES = 20;
const TELLERS_PER_BRANCH = 10;
const ACCOUNTS_PER_BRANCH = 5000;
const DELTA_MAX = 5000;

/** Random transactions that are made before the clock runs. */
const TRANSACTIONS = 500;

/** A statement with its values in it, in their order of `$1`, `$2`, … */
interface Step {
  readonly sql: string;
  readonly values: readonly number[];
  readonly tag: string;
  /** Whether it gives one row of one column, whose value nobody can know beforehand. */
  readonly row: boolean;
}

type StepExchange = (step: Step, ready: Buffer) => Exchange;

/** Not to the byte: the row's value is a balance, and its RowDescription names the table's OID. */
const ROW: readonly ReplyPart[] = [{ type: "T" }, { type: "D" }];

const TABLES: readonly string[] = [
  "drop table if exists pgbench_history, pgbench_tellers, pgbench_accounts, pgbench_branches",
  "create table pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22))",
  "create table pgbench_tellers (tid int primary key, bid int, tbalance int, filler char(84)) with (fillfactor = 50)",
  "create table pgbench_accounts (aid int primary key, bid int, abalance int, filler char(84)) with (fillfactor = 90)",
  "create table pgbench_branches (bid int primary key, bbalance int, filler char(88)) with (fillfactor = 50)",
  `insert into pgbench_branches select bid, 0, '' from generate_series(1, ${BRANCHES}) bid`,
  `insert into pgbench_tellers select tid, (tid - 1) / ${TELLERS_PER_BRANCH} + 1, 0, ''
     from generate_series(1, ${BRANCHES * TELLERS_PER_BRANCH}) tid`,
  `insert into pgbench_accounts select aid, (aid - 1) / ${ACCOUNTS_PER_BRANCH} + 1, 0, ''
     from generate_series(1, ${BRANCHES * ACCOUNTS_PER_BRANCH}) aid`,
  "vacuum analyze pgbench_branches, pgbench_tellers, pgbench_accounts",
];

export const TPCB_SIMPLE: Scenario = {
  ...PLAIN,
  name: "tpcb-simple",
  summary: "pgbench's transaction: BEGIN, five statements, END, each a Query",
  tables: TABLES,
  transactions: Array.from({ length: TRANSACTIONS }, () => randomTransaction(asQuery)),
};

export const TPCB_EXTENDED: Scenario = {
  ...PLAIN,
  name: "tpcb-extended",
  summary: "the same, each Parse (unnamed), Bind, Describe, Execute, Sync",
  tables: TABLES,
  transactions: Array.from({ length: TRANSACTIONS }, () => randomTransaction(asExtended)),
};

function randomTransaction(exchangeOf: StepExchange): Exchange[] {
  const aid = randomUpTo(BRANCHES * ACCOUNTS_PER_BRANCH);
  const tid = randomUpTo(BRANCHES * TELLERS_PER_BRANCH);
  const bid = randomUpTo(BRANCHES);
  const delta = randomUpTo(2 * DELTA_MAX) - DELTA_MAX;
  return [
    command("BEGIN"),
    update("UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2", [delta, aid]),
    select("SELECT abalance FROM pgbench_accounts WHERE aid = $1", [aid]),
    update("UPDATE pgbench_tellers SET tbalance = tbalance + $1 WHERE tid = $2", [delta, tid]),
    update("UPDATE pgbench_branches SET bbalance = bbalance + $1 WHERE bid = $2", [delta, bid]),
    insert(
      "INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES ($1, $2, $3, $4, CURRENT_TIMESTAMP)",
      [tid, bid, aid, delta],
    ),
    command("END"),
  ].map((step) =>
    exchangeOf(step, step.sql === "END" ? readyForQueryIdle() : readyForQueryInTransaction()),
  );
}

function command(sql: string): Step {
  return { sql, values: [], tag: sql === "END" ? "COMMIT" : sql, row: false };
}

function update(sql: string, values: readonly number[]): Step {
  return { sql, values, tag: "UPDATE 1", row: false };
}

function insert(sql: string, values: readonly number[]): Step {
  return { sql, values, tag: "INSERT 0 1", row: false };
}

function select(sql: string, values: readonly number[]): Step {
  return { sql, values, tag: "SELECT 1", row: true };
}

function asQuery({ sql, values, tag, row }: Step, ready: Buffer): Exchange {
  const text = sql.replaceAll(/\$(\d)/g, (_, place: string) => String(values[Number(place) - 1]));
  return { request: query(text), reply: [...(row ? ROW : []), end(tag, ready)] };
}

function asExtended({ sql, values, tag, row }: Step, ready: Buffer): Exchange {
  const request = [
    parse("", sql),
    bind("", values.map(String)),
    describePortal(),
    execute(),
    sync(),
  ];
  const prepared = Buffer.concat([parseComplete(), bindComplete()]);
  return {
    request: Buffer.concat(request),
    reply: [prepared, ...(row ? ROW : [noData()]), end(tag, ready)],
  };
}

function end(tag: string, ready: Buffer): Buffer {
  return Buffer.concat([commandComplete(tag), ready]);
}

function randomUpTo(max: number): number {
  return 1 + Math.floor(Math.random() * max);
}
