/**
 * Corners of settings and sessions: other encodings, values and names of odd kinds, who may see a setting,
 * timeouts that end a session. On PostgreSQL and through the pooler.
 */

import { extended, parse, query, run, sync } from "./message.ts";
import { runScripts } from "./run-scripts.ts";
import { type Line, type StartupParameters, script, second, upTo, vanish } from "./script.ts";

const OWN = "select current_setting('my.own')";
const MANY = Array.from({ length: 40 }, (_, index) => `my.v${index}`);
const WHO = "select current_user, session_user, current_setting('role')";

const SCRIPTS: Readonly<Record<string, readonly Line[]>> = {
  "a notice of a setting that is carried over": [
    `set application_name = '${"x".repeat(80)}'`,
    "select 1",
    extended("select 2"),
    [parse("one", "select 3"), sync],
    "begin",
    "rollback",
  ],
  "a value in another encoding": [
    "set client_encoding = 'latin1'",
    "set my.own = 'ü€'",
    OWN,
    "set application_name = 'ü'",
    "show application_name",
    "set client_encoding = 'utf8'",
    OWN,
    "show application_name",
    "set client_encoding = 'latin1'",
    OWN,
  ],
  "an encoding that can't hold a value": [
    "set my.own = '漢字'",
    "set client_encoding = 'latin1'",
    OWN,
    "select 1",
    "set client_encoding = 'utf8'",
    OWN,
  ],
  "a value of odd letters": [
    "set my.own = E'a\\nb\\tc\\\\d'",
    OWN,
    "set my.own = ''",
    OWN,
    "set my.own = 'it''s a \"quote\" $1 ; -- no'",
    OWN,
    "set my.own to x, y, 'z z'",
    OWN,
  ],
  "a value of 20 KB": [
    `set my.own = '${"long ".repeat(4000)}'`,
    `select md5(current_setting('my.own'))`,
  ],
  "many settings at once": [
    MANY.map((name, index) => `set ${name} = ${index}`).join("; "),
    `select ${MANY.map((name) => `current_setting('${name}')`).join(", ")}`,
    "set my.v7 = 'other'",
    `select ${MANY.map((name) => `current_setting('${name}')`).join(", ")}`,
  ],
  "many settings one by one": [
    ...MANY.slice(0, 12).map((name) => `set ${name} = '${name}'`),
    `select ${MANY.slice(0, 12)
      .map((name) => `current_setting('${name}')`)
      .join(", ")}`,
  ],
  "names of odd kinds": [
    "set my.Own = 'a'",
    "select current_setting('MY.OWN'), current_setting('my.own')",
    'set "My"."Other" = \'b\'',
    "select current_setting('my.other')",
    "set my.a.b = 'c'",
    "select current_setting('my.a.b')",
    "select set_config('my.by_call', 'd', false)",
    "select current_setting('my.by_call')",
    "select set_config('other_' || 'prefix.name', 'e', false)",
    "select current_setting('my.a.b'), current_setting('my.by_call')",
  ],
  "a setting that another role can't see": [
    "set session_preload_libraries = 'nothing'",
    "show session_preload_libraries",
    "set role lowly",
    "show session_preload_libraries",
    "select set_config('work_mem', '8MB', false)",
    "set datestyle = 'German'",
    "do $$ begin set my.own = 'a'; end $$",
    "reset role",
    "show session_preload_libraries",
    "show work_mem",
  ],
  "a setting of superusers that holds for somebody else": [
    "set session_replication_role = replica",
    "set session authorization lowly",
    "show session_replication_role",
    "select set_config('work_mem', '8MB', false)",
    "show session_replication_role",
    "set session_replication_role = origin",
    "reset session_replication_role",
    "show session_replication_role",
    WHO,
    "reset session authorization",
    "show session_replication_role",
    "show work_mem",
  ],
  "a path that leads to temporary objects": [
    "set search_path = pg_temp, public",
    "show search_path",
    "reset search_path",
  ],
  "part of a date style": [
    "set datestyle = dmy",
    "show datestyle",
    "set datestyle = sql",
    "show datestyle",
    "begin; set datestyle = ymd; rollback",
    "show datestyle",
    "set datestyle = default",
    "show datestyle",
  ],
  "constraints and transactions that are SET": [
    "create table t (a int unique deferrable)",
    "set constraints all deferred",
    "begin; set constraints all deferred; insert into t values (1), (1)",
    "set constraints all immediate",
    "rollback",
    "begin; set transaction isolation level serializable, read only, deferrable",
    "show transaction_isolation; show transaction_read_only; show transaction_deferrable",
    "commit",
    "show transaction_isolation",
  ],
  "a transaction that begins behind settings of one's own": [
    "set work_mem = '7MB'; set my.own = 'a'; set search_path = \"A b\", public; set role lowly",
    "begin",
    "set transaction isolation level serializable",
    "select current_setting('transaction_isolation'), current_setting('my.own'), current_user",
    "commit",
    extended("begin isolation level repeatable read"),
    [parse("", "set transaction read only"), ...run(""), sync],
    "rollback",
  ],
  "vacuum behind settings of one's own": [
    "set work_mem = '7MB'; set my.own = 'a'; create table t (a int)",
    "vacuum t",
    extended("vacuum t"),
    [query("vacuum t"), query("vacuum t")],
  ],
  "a first command that fails, behind settings of one's own": [
    "set work_mem = '7MB'; set my.own = 'a'; set timezone = 'Asia/Tokyo'",
    "select 1/0",
    extended("select 1/0"),
    "selec",
    extended("selec"),
    [parse("one", "selec"), sync],
    [query("select 1/0"), query("show timezone")],
    "show timezone",
    "begin; select 1/0",
    "rollback",
    "show work_mem",
  ],
  "a client that says only Sync": [
    "set timezone = 'Asia/Tokyo'",
    [sync],
    [sync, sync],
    "",
    [sync, query("show timezone")],
  ],
  "a transaction that idles too long": [
    "set idle_in_transaction_session_timeout = '60ms'",
    "begin",
    upTo("ErrorResponse"),
    vanish(),
    "show idle_in_transaction_session_timeout",
  ],
  "a transaction that takes too long": [
    "set transaction_timeout = '60ms'",
    "begin; select pg_sleep(5)",
    vanish(),
    "show transaction_timeout",
  ],
  "a backend that cancels itself": [
    "select pg_cancel_backend(pg_backend_pid())",
    "select 1",
    "begin; select pg_cancel_backend(pg_backend_pid())",
    "rollback",
    "select 2",
  ],
  "a client that is told of changes by another's SET": [
    "set timezone = 'Asia/Tokyo'",
    second("set timezone = 'Europe/Vienna'"),
    "show timezone",
    second("begin; set timezone = 'UTC'"),
    "show timezone",
    second("rollback"),
    second("show timezone"),
    "reset timezone",
  ],
  "a function with settings of its own": [
    "create function f() returns text language sql set work_mem = '6MB' as $$ select current_setting('work_mem') $$",
    "set work_mem = '7MB'",
    "select f(), current_setting('work_mem')",
    "show work_mem",
  ],
  "notices by level": [
    "set client_min_messages = 'error'",
    "rollback",
    "set client_min_messages = 'debug5'; reset client_min_messages",
    "rollback",
  ],
};

const STARTUPS: Readonly<Record<string, StartupParameters>> = {
  nothing: {},
  "a notice": { application_name: "y".repeat(70), client_min_messages: "notice" },
};

runScripts(
  2,
  Object.entries(SCRIPTS).flatMap(([name, lines]) =>
    Object.entries(STARTUPS).map(([asked, startup]) =>
      script(`${name}, with ${asked} asked for`, lines, startup),
    ),
  ),
);
