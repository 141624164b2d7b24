/**
 * Settings, on PostgreSQL and through the pooler: what a client sets holds for it, in whatever kind of
 * transaction and however that ends, and for nobody else.
 */

import { extended, type Message, parse, query, run, sync } from "./message.ts";
import { runScripts } from "./run-scripts.ts";
import { type Line, type Script, script, second, vanish } from "./script.ts";

/** A command that changes something, what shows it, and what takes it back. */
interface Change {
  readonly sql: string;
  readonly show: string;
  readonly undo: string;
}

const byShow = (name: string, sql: string): Change => ({
  sql,
  show: `show ${name}`,
  undo: `reset ${name}`,
});

const OWN = "select coalesce(current_setting('my.own', true), '')";

const CHANGES: readonly Change[] = [
  byShow("timezone", "set timezone = 'Europe/Vienna'"),
  byShow("work_mem", "set session work_mem to '7MB'"),
  { sql: "set my.own = 'it''s \"mine\"'", show: OWN, undo: "reset my.own" },
  { sql: "set role lowly", show: "select current_user, session_user", undo: "reset role" },
  byShow("search_path", `set search_path to "we ird", 'it''s', public`),
  byShow("datestyle", "set datestyle to 'German, DMY'"),
  {
    sql: "set session authorization lowly",
    show: "select current_user, session_user",
    undo: "reset session authorization",
  },
  byShow("statement_timeout", "select set_config('statement_timeout', '54321', false)"),
  {
    sql: "set session characteristics as transaction isolation level serializable, read only",
    show: "select current_setting('transaction_isolation'), current_setting('transaction_read_only')",
    undo: "reset default_transaction_isolation",
  },
  byShow("log_min_duration_statement", "set log_min_duration_statement = 12345"),
  byShow("application_name", "set application_name = 'it''s me'"),
  byShow("client_encoding", "set client_encoding to 'LATIN1'"),
  byShow("client_encoding", "set names 'SQL_ASCII'"),
  byShow("standard_conforming_strings", "set standard_conforming_strings = off"),
  byShow("default_transaction_read_only", "set default_transaction_read_only = on"),
  byShow("timezone", "set time zone interval '+02:30' hour to minute"),
  byShow("timezone", "set time zone -7"),
  byShow("xmloption", "set xml option document"),
  byShow("bytea_output", "set bytea_output = 'escape'"),
  byShow("intervalstyle", "set intervalstyle = 'iso_8601'"),
  byShow("extra_float_digits", "set extra_float_digits = -5"),
  byShow("session_replication_role", "set session_replication_role = 'replica'"),
  { sql: "select set_config('my.own', 'x', false)", show: OWN, undo: "set my.own to default" },
  {
    sql: "do $$ begin perform set_config('my.own', 'x', false); set work_mem = '7MB'; end $$",
    show: "select coalesce(current_setting('my.own', true), ''), current_setting('work_mem')",
    undo: "reset all",
  },
  byShow("lock_timeout", "set lock_timeout = '7s'"),
  byShow("row_security", "set row_security = off"),
  byShow("plan_cache_mode", "set plan_cache_mode = force_generic_plan"),
];

const each = (sql: string): Message[] => [parse("", sql), ...run("")];

/** A way in which a client may send a change, and how its transaction ends. */
const FRAMES: Readonly<Record<string, (change: Change) => readonly Line[]>> = {
  "by itself": ({ sql, show }) => [sql, show, show],
  "in a transaction": ({ sql, show }) => ["begin", sql, show, "commit", show],
  "in a transaction that is rolled back": ({ sql, show }) => ["begin", sql, show, "rollback", show],
  "and reset": ({ sql, show, undo }) => [sql, show, undo, show],
  "by the extended protocol": ({ sql, show }) => [extended(sql), extended(show), extended(show)],
  "by a named statement": ({ sql, show }) => [
    [parse("one", sql), sync],
    show,
    [...run("one"), sync],
    show,
    [parse("two", show), ...run("two"), sync],
  ],
  "in one Query with its transaction": ({ sql, show }) => [`begin; ${sql}; commit; ${show}`, show],
  "in one Query that fails": ({ sql, show }) => [`${sql}; ${show}; select 1/0`, show],
  "in a savepoint that is rolled back": ({ sql, show }) => [
    "begin; savepoint s",
    sql,
    show,
    "rollback to s",
    show,
    "commit",
    show,
  ],
  "before and in a savepoint": ({ sql, show, undo }) => [
    "begin",
    sql,
    "savepoint s",
    undo,
    show,
    "rollback to savepoint s",
    "savepoint s2",
    "release s2",
    "commit",
    show,
  ],
  "in a transaction that fails": ({ sql, show }) => [
    "begin",
    sql,
    "select 1/0",
    show,
    "commit",
    show,
  ],
  "in a transaction whose COMMIT fails": ({ sql, show }) => [
    "create table t (a int unique deferrable initially deferred); insert into t values (1); grant all on t to public",
    "begin",
    "insert into t values (1)",
    sql,
    show,
    "commit",
    show,
  ],
  "in a transaction whose client vanishes": ({ sql, show }) => [
    "begin",
    sql,
    show,
    vanish(),
    show,
    vanish(true),
    show,
  ],
  "by a client that vanishes at rest": ({ sql, show }) => [sql, show, vanish(true), show],
  "beside another client": ({ sql, show, undo }) => [
    second(show),
    sql,
    second(show),
    show,
    second(sql),
    undo,
    second(show),
    show,
  ],
  "in a pipeline of Queries": ({ sql, show, undo }) => [
    [query(show), query(sql), query(show)],
    [query(show), query(undo), query(show), query(sql), query(show)],
    show,
  ],
  "in a segment that fails": ({ sql, show }) => [
    [...each(sql), ...each(show), ...each("select 1/0"), ...each(show), sync],
    show,
  ],
  "in a segment": ({ sql, show }) => [[...each(show), ...each(sql), ...each(show), sync], show],
  "and discarded": ({ sql, show }) => [sql, show, "discard all", show],
  "for a transaction with SET LOCAL beside it": ({ sql, show }) => [
    `begin; ${sql}; set local work_mem = '9MB'; set local timezone = 'UTC'; set local my.own = 'l'`,
    show,
    "show work_mem",
    "commit",
    show,
    "show work_mem",
  ],
  "twice, the second time rolled back": ({ sql, show, undo }) => [
    sql,
    "begin",
    undo,
    show,
    "rollback",
    show,
  ],
};

/** All frames for the first changes, and the first frames for all changes. */
const CHANGES_IN_FULL = 5;
const FRAMES_FOR_ALL = 5;

function* scripts(): Generator<Script> {
  for (const [number, change] of CHANGES.entries())
    for (const [name, frame] of Object.entries(FRAMES).slice(
      0,
      number < CHANGES_IN_FULL ? undefined : FRAMES_FOR_ALL,
    ))
      yield script(`${change.sql}: ${name}`, frame(change));
}

runScripts(2, [...scripts()]);
