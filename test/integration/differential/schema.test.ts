/**
 * Statements that were prepared before a table was changed, on PostgreSQL and through the pooler.
 */

import {
  bind,
  closeStatement,
  describeStatement,
  execute,
  extended,
  type Message,
  parse,
  query,
  run,
  sync,
} from "./message.ts";
import { runScripts } from "./run-scripts.ts";
import { type Line, type Script, script, second } from "./script.ts";

const tableOf = (t: string): string =>
  `create table ${t} (a int, b text); insert into ${t} values (1, 'x')`;
const allOf = (t: string): string => `select * from ${t}`;

const prepared = (name: string, sql: string): readonly Message[] => [
  parse(name, sql),
  ...run(name),
  sync,
];

/** What others do to a table that a client has prepared a statement for. */
const changesOf = (t: string): Readonly<Record<string, string>> => ({
  "adds a column": `alter table ${t} add c int default 7`,
  "drops a column": `alter table ${t} drop b`,
  "changes a column's type": `alter table ${t} alter a type bigint`,
  "renames a column": `alter table ${t} rename b to c`,
  "drops the table": `drop table ${t}`,
  "makes the table anew": `drop table ${t}; create table ${t} (z date)`,
  "makes the table anew in the same shape": `drop table ${t}; create table ${t} (a int, b text)`,
  "adds an index": `create index on ${t} (a)`,
  "changes nothing for good": `begin; alter table ${t} add c int; rollback`,
});

/** A statement by name, prepared again after a refusal as drivers do. */
function healing(t: string, change: string): readonly Line[] {
  return [
    tableOf(t),
    prepared("one", allOf(t)),
    [...run("one"), sync],
    change,
    [parse("two", allOf(t)), describeStatement("two"), ...run("two"), sync],
    [...run("two"), sync],
    [closeStatement("one"), parse("one", allOf(t)), describeStatement("one"), ...run("one"), sync],
    [...run("one"), sync],
    extended(allOf(t)),
  ];
}

/** The same while another client keeps the text in use. */
function shared(t: string, change: string): readonly Line[] {
  return [
    tableOf(t),
    prepared("one", allOf(t)),
    second(prepared("one", allOf(t))),
    second(change),
    [parse("two", allOf(t)), ...run("two"), sync],
    second([closeStatement("one"), parse("one", allOf(t)), ...run("one"), sync]),
    second([...run("one"), sync]),
    [...run("two"), sync],
  ];
}

/** In a transaction, what PostgreSQL refuses stays refused. */
function inTransaction(t: string, change: string): readonly Line[] {
  return [
    tableOf(t),
    prepared("one", allOf(t)),
    "begin",
    change.startsWith("begin") ? "select 1" : change,
    [parse("two", allOf(t)), ...run("two"), sync],
    "rollback",
    [...run("one"), sync],
  ];
}

const othersOf = (t: string): Readonly<Record<string, readonly Line[]>> => ({
  "a function that is replaced": [
    "create function f() returns int language sql as 'select 1'",
    prepared("one", "select f()"),
    "create or replace function f() returns int language sql as 'select 2'",
    [...run("one"), sync],
    second("create or replace function f() returns int language sql as 'select 3'"),
    [...run("one"), sync],
    "drop function f()",
    [...run("one"), sync],
  ],
  "a view that is replaced": [
    `${tableOf(t)}; create view v as select a from t`,
    prepared("one", "select * from v"),
    `create or replace view v as select a + 1 as a from ${t}`,
    [...run("one"), sync],
    `drop view v; create view v as select b from ${t}`,
    [closeStatement("one"), parse("one", "select * from v"), ...run("one"), sync],
    [...run("one"), sync],
  ],
  "a table of another schema that comes in front": [
    `${tableOf(t)}; create schema s; set search_path = s, public`,
    prepared("one", allOf(t)),
    `create table s.${t} (a text); insert into s.${t} values ('front')`,
    [closeStatement("one"), parse("one", allOf(t)), ...run("one"), sync],
    `drop table s.${t}`,
    [closeStatement("one"), parse("one", allOf(t)), ...run("one"), sync],
  ],
  "rows that are changed by prepared statements": [
    tableOf(t),
    [parse("put", `insert into ${t} (a) values ($1) returning a`), ...run("put", "2"), sync],
    `alter table ${t} add c int not null default 0`,
    [...run("put", "3"), sync],
    `alter table ${t} drop column a cascade`,
    [...run("put", "4"), sync],
  ],
  "an enum that gets a value": [
    `create type mood as enum ('ok'); create table ${t} (m mood); insert into ${t} values ('ok')`,
    [parse("one", `select m from ${t} where m = $1`), ...run("one", "ok"), sync],
    "alter type mood add value 'glad'",
    [...run("one", "glad"), sync],
    "alter type mood rename value 'ok' to 'fine'",
    [...run("one", "ok"), sync],
    [...run("one", "fine"), sync],
  ],
  "binary formats for columns of before": [
    tableOf(t),
    [parse("one", `select a from ${t}`), bind("one", [], "", [1]), execute(), sync],
    `alter table ${t} alter a type bigint`,
    [
      closeStatement("one"),
      parse("one", `select a from ${t}`),
      bind("one", [], "", [1]),
      execute(),
      sync,
    ],
    [bind("one", [], "", [1]), execute(), sync],
  ],
  "a pipeline that changes and asks": [
    tableOf(t),
    prepared("one", `select a from ${t}`),
    [parse("", `alter table ${t} add c int`), ...run(""), ...run("one"), sync, query(`table ${t}`)],
    [...run("one"), sync],
  ],
  "privileges that are taken away": [
    `${tableOf(t)}; grant select on t to lowly`,
    "set role lowly",
    prepared("one", allOf(t)),
    second(`revoke select on ${t} from lowly`),
    [...run("one"), sync],
    "reset role",
    [...run("one"), sync],
  ],
});

/** A table of its own for each: that the sweeper drops it, outside of the pooler, is no part of another script. */
function* scripts(): Generator<Script> {
  let made = 0;
  const next = (): string => `t${(made += 1)}`;
  for (const name of Object.keys(changesOf(""))) {
    for (const [who, linesOf] of Object.entries({ healing, shared, inTransaction })) {
      const t = next();
      yield script(`${name}: ${who}`, linesOf(t, changesOf(t)[name] ?? ""));
    }
  }
  for (const name of Object.keys(othersOf(""))) yield script(name, othersOf(next())[name] ?? []);
}

runScripts(2, [...scripts()]);
