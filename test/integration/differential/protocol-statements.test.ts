/**
 * Prepared statements of the protocol, named and unnamed, on PostgreSQL and through the pooler.
 */

import {
  bind,
  closePortal,
  closeStatement,
  describePortal,
  describeStatement,
  execute,
  flush,
  type Message,
  parse,
  run,
  sync,
} from "./message.ts";
import { runScripts } from "./run-scripts.ts";
import { type Line, script, upTo } from "./script.ts";

const synced = (...messages: readonly Message[]): readonly Message[] => [...messages, sync];

const SCRIPTS: Readonly<Record<string, readonly Line[]>> = {
  "a name used again for another text": [
    synced(parse("one", "select 1 as a"), ...run("one")),
    synced(parse("one", "select 2 as b")),
    synced(
      closeStatement("one"),
      parse("one", "select 2 as b"),
      describeStatement("one"),
      ...run("one"),
    ),
    synced(describeStatement("one"), ...run("one")),
    synced(closeStatement("one"), closeStatement("one")),
    synced(describeStatement("one")),
  ],
  "the unnamed statement": [
    synced(parse("", "select 1 as a")),
    synced(bind(""), execute()),
    synced(bind(""), describePortal(""), execute()),
    "select 2",
    synced(bind(""), execute()),
    synced(closeStatement(""), bind("")),
    synced(parse("", "selec"), bind("")),
    synced(bind("")),
  ],
  "the unnamed statement behind an error": [
    synced(parse("", "select 1 as a")),
    synced(parse("", "selec")),
    synced(bind(""), execute()),
    synced(parse("", "select 3"), parse("x", "selec")),
    synced(bind(""), execute()),
  ],
  "parameters of all kinds": [
    synced(parse("one", "select $1::int, $2::text, $3::bytea, $4::timestamptz, $5::numeric[]")),
    synced(describeStatement("one")),
    synced(...run("one", "1", "t", "\\x00ff", "2026-01-01 00:00:00+00", "{1.5,2}")),
    synced(...run("one", null, null, null, null, null)),
    synced(
      bind("one", ["1", "t", "\\x00ff", "2026-01-01", "{}"], "", [1]),
      describePortal(""),
      execute(),
    ),
    synced(bind("one", ["1", "t"])),
    synced(bind("one", ["x", "t", "b", "d", "n"])),
  ],
  "statements without rows, and without text": [
    synced(parse("one", ""), describeStatement("one"), ...run("one")),
    synced(...run("one")),
    synced(parse("two", "-- nothing"), ...run("two")),
    synced(parse("three", "select"), describeStatement("three"), ...run("three")),
    synced(...run("three")),
    "",
    ";",
    "-- nothing",
  ],
  "two statements in one Parse": [
    synced(parse("one", "select 1; select 2")),
    synced(...run("one")),
  ],
  "a statement that shows what it does": [
    "set client_min_messages = 'debug1'",
    "set client_min_messages = 'notice'",
    synced(
      parse(
        "one",
        "do $$ begin raise notice 'heard'; raise warning 'warned' using hint = 'h', detail = 'd'; end $$",
      ),
      ...run("one"),
    ),
    synced(...run("one")),
    "do $$ begin raise exception 'no' using errcode = 'XX123', table = 't', column = 'c'; end $$",
  ],
  "begin and commit as statements": [
    synced(
      parse("b", "begin"),
      parse("c", "commit"),
      parse("r", "rollback"),
      parse("q", "select 1/$1::int"),
    ),
    synced(...run("b")),
    synced(...run("q", "1")),
    synced(...run("c")),
    synced(...run("b"), ...run("q", "0"), ...run("c")),
    synced(...run("c")),
    synced(...run("r")),
    synced(...run("b"), ...run("q", "1"), ...run("r"), ...run("q", "2")),
  ],
  "a statement under Flush": [
    upTo("ParseComplete", parse("one", "select 1 as a"), flush),
    upTo("RowDescription", describeStatement("one"), flush),
    upTo("CommandComplete", ...run("one"), flush),
    [sync],
    upTo("CommandComplete", ...run("one"), flush),
    [closePortal(""), closeStatement("one"), sync],
    synced(...run("one")),
  ],
};

runScripts(
  3,
  Object.entries(SCRIPTS).map(([name, lines]) => script(name, lines)),
);
