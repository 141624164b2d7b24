/**
 * What a client asks for when it connects, and settings that PostgreSQL refuses: told at the same moment
 * and in the same words as on a direct connection, and RESET goes back to what was asked for.
 */

import { extended, parse, query, run, sync } from "./message.ts";
import { runScripts } from "./run-scripts.ts";
import {
  type Line,
  type Script,
  type StartupParameters,
  script,
  second,
  vanish,
} from "./script.ts";

const SHOW =
  "select current_setting('timezone'), current_setting('work_mem'), current_setting('search_path'), " +
  "current_setting('datestyle'), current_setting('application_name'), " +
  "coalesce(current_setting('my.own', true), ''), current_user, session_user";

/** What clients ask for. */
const STARTUPS: Readonly<Record<string, StartupParameters>> = {
  nothing: {},
  "one option": { options: "-c work_mem=7MB" },
  "an option without a space": { options: "-cwork_mem=7MB" },
  "an option by a long name": { options: "--work-mem=7MB" },
  "several options": { options: "-c work_mem=7MB -c TimeZone=Europe/Vienna -c my.own=mine" },
  "an option twice": { options: "-c work_mem=7MB -c work_mem=8MB" },
  "spaces in an option": { options: "-c application_name=one\\ and\\ two -c work_mem=7MB" },
  "backslashes in an option": { options: "-c my.own=a\\\\b\\'c" },
  "a tab and a newline between options": { options: "-c\twork_mem=7MB\n -c  my.own=x" },
  "an empty value": { options: "-c my.own=" },
  "quotes in an option": { options: `-c search_path="A\\ b",'c',public` },
  "a parameter that wins over an option": {
    options: "-c application_name=lost",
    application_name: "won",
  },
  "a parameter in another case": { timezone: "Europe/Vienna", DATESTYLE: "German" },
  "a search_path": { search_path: `"Odd ""name", 'it''s', public` },
  "a date style": { DateStyle: "SQL, DMY" },
  "a custom setting": { "my.own": "it's \\ ü" },
  "a client encoding": { client_encoding: "latin1" },
  "a client encoding of libpq": { client_encoding: "'utf-8'" },
  "a role": { role: "lowly" },
  "a role in an option": { options: "-c role=lowly" },
  "a session's user": { options: "-c session_authorization=lowly" },
  "a setting of superusers": { options: "-c log_min_duration_statement=4321" },
  "a timeout": { statement_timeout: "54321" },
  "transactions that are read only": { default_transaction_read_only: "on" },
  "transactions that are serializable": {
    options: "-c default_transaction_isolation=serializable",
  },
  "an interval style": { IntervalStyle: "iso_8601", extra_float_digits: "3" },
  "literals of before": { standard_conforming_strings: "off" },
  "a long application_name": { application_name: "x".repeat(80) },
  "an application_name beyond ASCII": { application_name: "grün\u0001" },
};

/** What PostgreSQL does not take from a client that connects. */
const REFUSED: Readonly<Record<string, StartupParameters>> = {
  "a value that is none": { work_mem: "nonsense" },
  "a value out of its range": { work_mem: "1kB" },
  "a name that is none": { nonsense: "1" },
  "a name that is none, in an option": { options: "-c nonsense=1" },
  "an option without a value": { options: "-c work_mem" },
  "an option that is none": { options: "--nonsense=1" },
  "a time zone that is none": { TimeZone: "Middle/Earth" },
  "a role that is none": { role: "nobody" },
  "a setting of the postmaster": { options: "-c shared_buffers=1GB" },
  "a setting that can't be changed": { options: "-c server_version=1" },
  "an encoding that is none": { client_encoding: "klingon" },
  "a custom name that is none": { options: "-c my.o-wn=1" },
};

/** What a client that asked for something does then. */
const COURSES: Readonly<Record<string, readonly Line[]>> = {
  "changes all and goes back": [
    SHOW,
    "set timezone = 'Asia/Tokyo'; set work_mem = '9MB'; set my.own = 'other'; set search_path = x; set application_name = 'other'",
    SHOW,
    "reset timezone",
    "reset work_mem",
    SHOW,
    "reset all",
    SHOW,
    vanish(),
    SHOW,
  ],
  "discards all": [
    "set timezone = 'Asia/Tokyo'; set my.own = 'other'; set role lowly; set datestyle = 'German'",
    SHOW,
    "discard all",
    SHOW,
    second(SHOW),
    second("reset role"),
    second(SHOW),
  ],
};

const IN_FULL: ReadonlySet<string> = new Set([
  "several options",
  "a parameter that wins over an option",
  "a search_path",
  "a custom setting",
  "a role",
  "a session's user",
]);

/** SET and its like that fail, or do less than one thinks. */
const ODD: Readonly<Record<string, readonly Line[]>> = {
  "an unknown setting": ["set nonsense = 1", "show nonsense", "reset nonsense"],
  "a wrong value": ["set work_mem = 'much'", "show work_mem", extended("set work_mem = 'much'")],
  "a wrong value in a transaction": ["begin", "set work_mem = 'much'", "show work_mem", "rollback"],
  "a wrong value behind a right one": ["set work_mem = '7MB'; set work_mem = 'x'", "show work_mem"],
  "a right value before a wrong one, both by themselves": [
    [query("set work_mem = '7MB'"), query("set work_mem = 'x'"), query("show work_mem")],
    "show work_mem",
  ],
  "an unknown role": ["set role nobody", "set session authorization nobody", "select current_user"],
  "a setting of superusers, as somebody else": [
    "set role lowly",
    "set log_min_duration_statement = 1",
    "select set_config('session_replication_role', 'replica', false)",
    "set role crowd",
    "reset role",
    "set session authorization lowly",
    "set log_min_duration_statement = 1",
    "set session authorization crowd",
    "set session authorization default",
    "set log_min_duration_statement = 4321",
    "show log_min_duration_statement",
  ],
  "a setting of superusers that stays behind a role": [
    "set log_min_duration_statement = 4321",
    "set role lowly",
    "show log_min_duration_statement",
    "show work_mem",
    "set work_mem = '7MB'",
    "show work_mem",
    "reset role",
    "show log_min_duration_statement",
  ],
  "settings of the postmaster": [
    "set shared_buffers = 1",
    "set port = 1",
    "set server_version = 1",
  ],
  "SET LOCAL outside of a transaction": ["set local work_mem = '7MB'", "show work_mem"],
  "SET TRANSACTION outside of one": ["set transaction read only", "show transaction_read_only"],
  "SET TRANSACTION too late": [
    "begin; select 1",
    "set transaction isolation level serializable",
    "rollback",
  ],
  "an unknown encoding": ["set client_encoding = 'klingon'", "show client_encoding"],
  "a reserved prefix": ["set plpgsql.nonsense = 1", "show plpgsql.nonsense"],
  "a custom setting that nobody set": ["show my.unset", "select current_setting('my.unset')"],
  syntax: ["set", "set work_mem", "set work_mem =", "reset", "show"],
  "a path with nothing in it": [
    "set search_path = ''",
    "show search_path",
    "create table t (a int)",
  ],
  "a path of schemas that are none": [
    "set search_path = nowhere",
    "create table t (a int)",
    "select * from t",
  ],
  "quotes, cases and comments": [
    'set "TimeZone" = "Europe/Vienna"',
    "show timezone",
    "/* one */ SeT /* two */ TIMEZONE -- three\n TO 'Asia/Tokyo'",
    "show TimeZone",
    "set work_mem to 7000",
    "show work_mem",
    "set My.Own to 1.50",
    "select current_setting('MY.OWN')",
  ],
  "many values at once": [
    "set datestyle = iso, dmy",
    "show datestyle",
    "set search_path = a, \"B\", 'c d', $$e$$",
    "show search_path",
    "set search_path to default",
    "show search_path",
  ],
  "values that other parameters follow": [
    "set datestyle = 'German'",
    "select '31.12.2026'::date, now()::date is not null",
    "set datestyle = 'SQL, DMY'",
    "select '31/12/2026'::date",
    "set intervalstyle = 'sql_standard'",
    "select interval '1 day 2 hours'",
    "set extra_float_digits = 0",
    "select 0.1::float8 + 0.2::float8",
    "set bytea_output = 'escape'",
    "select '\\x00ff'::bytea",
    "set timezone = 'Asia/Kolkata'",
    "select '2026-01-01 00:00:00+00'::timestamptz",
  ],
  "texts in another encoding": [
    "set client_encoding = 'latin1'",
    "select chr(252), 'abc'",
    [parse("one", "select chr(228)"), ...run("one"), sync],
    "set client_encoding = 'utf8'",
    "select chr(252)",
    [...run("one"), sync],
    "select chr(8364)",
    "set client_encoding = 'latin1'",
    "select chr(8364)",
  ],
  "set_config of all kinds": [
    "select set_config('work_mem', '7MB', true)",
    "show work_mem",
    "begin; select set_config('work_mem', '7MB', true)",
    "show work_mem",
    "commit",
    "show work_mem",
    "select set_config('work_mem', '8MB', false), set_config('timezone', 'UTC', false)",
    "show work_mem",
    extended("select set_config($1, $2, $3::bool)", "my.own", "by parameter", "false"),
    "select current_setting('my.own')",
    "select set_config('work_mem', null, false)",
    "show work_mem",
    "select set_config('nonsense', '1', false)",
    "select set_config(null, '1', false)",
    "select set_config(name, '9MB', false) from pg_settings where name = 'work_mem'",
    "show work_mem",
  ],
  "an update of pg_settings": [
    "update pg_settings set setting = '7MB' where name = 'work_mem'",
    "show work_mem",
    "begin; update pg_settings set setting = '8MB' where name = 'work_mem'; rollback",
    extended("update pg_catalog.pg_settings set setting = $1 where name = 'work_mem'", "9MB"),
    "show work_mem",
  ],
  "RESET inside a transaction": [
    "set work_mem = '7MB'",
    "begin",
    "reset work_mem",
    "show work_mem",
    "rollback",
    "show work_mem",
    "begin; reset all",
    "show work_mem",
    "commit",
    "show work_mem",
  ],
  "a role and a user, one on the other": [
    "set session authorization lowly",
    "set role none",
    "select current_user, session_user",
    "set role lowly",
    "reset session authorization",
    "select current_user, session_user, current_setting('role')",
    "set role crowd",
    "set session authorization lowly",
    "select current_user, session_user, current_setting('role')",
    "reset role",
    "reset session authorization",
    "select current_user, session_user",
  ],
  "a local role": [
    "begin; set local role lowly",
    "select current_user",
    "commit",
    "select current_user",
    "begin; set local session authorization lowly; select current_user",
    "rollback",
    "select current_user, session_user",
  ],
  "privileges that follow the role": [
    "create table t (a int)",
    "set role lowly",
    "select * from t",
    "reset role",
    "select * from t",
  ],
  "a default of transactions": [
    "set default_transaction_read_only = on",
    "create table t (a int)",
    "begin read write; create table t (a int); commit",
    "begin; show transaction_read_only",
    "commit",
    "set session characteristics as transaction read write",
    "drop table t",
    "set default_transaction_isolation = 'repeatable read'",
    "show transaction_isolation",
    "begin isolation level serializable; show transaction_isolation; commit",
    "set default_transaction_deferrable = on",
    "show transaction_deferrable",
  ],
  "parameters told in one go": [
    "set timezone = 'UTC'; set timezone = 'Asia/Tokyo'; set datestyle = 'German'; set application_name = 'a'",
    [query("set timezone = 'UTC'"), query("set timezone = 'UTC'"), query("reset timezone")],
    "begin; set timezone = 'Asia/Tokyo'",
    "rollback",
    "begin; set timezone = 'Asia/Tokyo'; select 1/0",
    "rollback",
  ],
};

function* scripts(): Generator<Script> {
  for (const [name, startup] of Object.entries(STARTUPS))
    for (const [course, lines] of Object.entries(COURSES).slice(0, IN_FULL.has(name) ? 2 : 1))
      yield script(`asks for ${name}, ${course}`, lines, startup);
  for (const [name, startup] of Object.entries(REFUSED))
    yield script(`asks in vain for ${name}`, ["select 1"], startup);
  for (const [name, lines] of Object.entries(ODD)) yield script(name, lines);
}

runScripts(2, [...scripts()]);
