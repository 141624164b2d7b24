/**
 * Scripts that nobody thought of: random steps over few names, few settings and few texts, so that they
 * meet. Every script is one that PostgreSQL answers without waiting: the second client touches no tables.
 */

import * as fc from "fast-check";
import {
  bind,
  closePortal,
  closeStatement,
  describePortal,
  describeStatement,
  execute,
  type Message,
  parse,
  query,
  run,
  sync,
} from "./message.ts";
import {
  type Line,
  type Script,
  type StartupParameters,
  script,
  second,
  vanish,
} from "./script.ts";

/** What scripts are made of. */
export const TOPICS = ["settings", "transactions", "tables", "prepares", "leftovers"] as const;
export type Topic = (typeof TOPICS)[number];

const SETTINGS: Readonly<Record<string, readonly string[]>> = {
  timezone: ["'Asia/Tokyo'", "'UTC'", "'Europe/Vienna'"],
  work_mem: ["'7MB'", "'9MB'", "8192", "'nonsense'"],
  "my.own": ["'a'", "'it''s'", "1.5"],
  datestyle: ["'German'", "iso, dmy"],
  search_path: ["public", `"Odd", public`, "''"],
  application_name: ["'x'", "'it''s me'"],
  intervalstyle: ["iso_8601"],
  role: ["lowly", "none"],
  standard_conforming_strings: ["off", "on"],
  default_transaction_read_only: ["off"],
  bytea_output: ["escape"],
  nonsense: ["1"],
};

const name = fc.constantFrom(...Object.keys(SETTINGS));

const assignment = name.chain((each) =>
  fc.constantFrom(...(SETTINGS[each] ?? [])).map((value) => [each, value] as const),
);

const settings: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: assignment.map(([each, value]) => `set ${each} = ${value}`) },
  { weight: 2, arbitrary: assignment.map(([each, value]) => `SET SESSION ${each} TO ${value}`) },
  { weight: 2, arbitrary: assignment.map(([each, value]) => `set local ${each} = ${value}`) },
  { weight: 3, arbitrary: name.map((each) => `reset ${each}`) },
  { weight: 1, arbitrary: name.map((each) => `set ${each} to default`) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.constantFrom("timezone", "work_mem", "my.own"), fc.boolean())
      .map(([each, local]) => `select set_config('${each}', '${VALUES[each] ?? ""}', ${local})`),
  },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom("timezone", "work_mem", "datestyle", "search_path", "role")
      .map((each) => `show ${each}`),
  },
  { weight: 2, arbitrary: fc.constant("select coalesce(current_setting('my.own', true), '')") },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "reset all",
      "discard all",
      "set session authorization lowly",
      "reset session authorization",
      "set session characteristics as transaction isolation level serializable",
      "select current_user, session_user",
      "select '2026-12-31'::date, interval '1 day'",
      "do $$ begin set work_mem = '6MB'; end $$",
    ),
  },
);

const VALUES: Readonly<Record<string, string>> = {
  timezone: "Asia/Kolkata",
  work_mem: "5MB",
  "my.own": "by call",
};

const transactions = fc.constantFrom(
  "begin",
  "begin",
  "begin",
  "start transaction read only",
  "commit",
  "commit",
  "commit",
  "rollback",
  "commit and chain",
  "savepoint s",
  "savepoint t",
  "rollback to s",
  "rollback to t",
  "release s",
  "select 1/0",
  "selec",
  "select 1 as one",
  "",
);

const tables = fc.constantFrom(
  "create table t (a int)",
  "create table if not exists t (a int unique deferrable initially deferred)",
  "insert into t values (1)",
  "insert into t values (1), (2)",
  "select * from t order by 1",
  "update t set a = a + 1",
  "delete from t",
  "alter table t add b text",
  "drop table t",
  "copy (select 1) to stdout",
);

const prepares = fc.constantFrom(
  "prepare a as select 1 as a",
  "prepare b (int) as select $1 + 1 as b",
  "prepare c as select $1::text as c",
  "execute a",
  "execute b (1)",
  "execute c ('x')",
  "deallocate a",
  "deallocate b",
  "deallocate all",
  "prepare a as selec",
  "explain (costs off) execute b (1)",
);

const leftovers = fc.constantFrom(
  "create temp table u (a int)",
  "create temp table u (a int) on commit drop",
  "insert into u values (1)",
  "select * from u",
  "drop table u",
  "declare h cursor with hold for select g from generate_series(1, 5) g",
  "fetch 2 from h",
  "close h",
  "close all",
  "select pg_try_advisory_lock(1)",
  "select pg_advisory_unlock(1)",
  "select pg_advisory_unlock_all()",
  "listen news",
  "notify news, 'x'",
  "unlisten *",
  "discard temp",
  "discard all",
  "create temp view w as select 1 as a",
  "drop view w",
);

const OF_TOPIC: Readonly<Record<Topic, fc.Arbitrary<string>>> = {
  settings,
  transactions,
  tables,
  prepares,
  leftovers,
};

const statement = fc.constantFrom("", "a", "b", "c");
const portal = fc.constantFrom("", "p");

/** Texts that are prepared by the protocol. */
const SERIES = "select g from generate_series(1, 5) g";

/** Messages of a segment, without its Sync. */
function part(sql: fc.Arbitrary<string>): fc.Arbitrary<readonly Message[]> {
  const text = fc.oneof(sql, fc.constant(SERIES));
  return fc.oneof(
    { weight: 3, arbitrary: fc.tuple(statement, text).map(([at, each]) => [parse(at, each)]) },
    { weight: 4, arbitrary: statement.map((at) => run(at)) },
    { weight: 1, arbitrary: statement.map((at) => run(at, "v")) },
    { weight: 1, arbitrary: statement.map((at) => [describeStatement(at)]) },
    { weight: 1, arbitrary: statement.map((at) => [closeStatement(at)]) },
    { weight: 2, arbitrary: text.map((each) => [parse("", each)].concat(run(""))) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(portal, statement)
        .map(([at, of]) => [bind(of, [], at), describePortal(at), execute(at, 2)]),
    },
    // Not of the unnamed one: in failed transactions that has ended PostgreSQL 18.4 itself by a segmentation fault.
    { weight: 1, arbitrary: fc.constant([execute("p", 2)]) },
    { weight: 1, arbitrary: portal.map((at) => [closePortal(at)]) },
  );
}

/**
 * What is answered up to ReadyForQuery: a Query of one or more statements, or a segment.
 * @param amongOthers texts for a Query of several statements, and for segments
 */
function unit(
  sql: fc.Arbitrary<string>,
  amongOthers: fc.Arbitrary<string>,
): fc.Arbitrary<readonly Message[]> {
  return fc.oneof(
    { weight: 6, arbitrary: sql.map((each) => [query(each)]) },
    {
      weight: 2,
      arbitrary: fc
        .array(amongOthers, { minLength: 2, maxLength: 4 })
        .map((several) => [query(several.join("; "))]),
    },
    {
      weight: 4,
      arbitrary: fc
        .array(part(amongOthers), { minLength: 1, maxLength: 4 })
        .map((parts) => parts.flat().concat(sync)),
    },
  );
}

const startups: fc.Arbitrary<StartupParameters> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<StartupParameters>({}) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<StartupParameters>(
      { options: "-c work_mem=3MB -c my.own=asked" },
      { TimeZone: "Europe/Paris", search_path: "public, pg_catalog" },
      { role: "lowly", application_name: "asked" },
    ),
  },
);

/** Returns scripts about these topics. */
export function scriptsAbout(topics: readonly Topic[]): fc.Arbitrary<Script> {
  return startups.chain((startup) =>
    fc
      .array(line(topics, startup), { minLength: 2, maxLength: 14 })
      .map((lines) => script("generated", lines, startup)),
  );
}

function line(topics: readonly Topic[], startup: StartupParameters): fc.Arbitrary<Line> {
  const own = unitAbout(topics, startup);
  const others = unitAbout(
    topics.filter((topic) => topic !== "tables"),
    startup,
  );
  return fc.oneof(
    { weight: 8, arbitrary: own },
    { weight: 2, arbitrary: fc.array(own, { minLength: 2, maxLength: 3 }).map(flat) },
    { weight: 2, arbitrary: others.map((messages) => second(messages)) },
    { weight: 1, arbitrary: fc.boolean().map((rudely) => vanish(rudely)) },
  );
}

function unitAbout(topics: readonly Topic[], startup: StartupParameters) {
  const sql = fc.oneof(...topics.map((topic) => OF_TOPIC[topic]));
  const asksForSomething = Object.keys(startup).length > 0;
  return unit(sql, asksForSomething ? sql.filter((text) => !GOES_BACK.test(text)) : sql);
}

/**
 * To a server, its own defaults are what one goes back to. Where a client has asked for others, that shows if
 * this is among other statements: see docs/modes.md.
 */
const GOES_BACK = /^reset|^discard all|default$/;

function flat(units: readonly (readonly Message[])[]): readonly Message[] {
  return units.flat();
}
