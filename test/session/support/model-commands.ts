/**
 * The commands that {@link ModelPostgres} knows by heart:
 *
 *   select N    one row            rows N     N rows          wide        a long RowDescription
 *   insert      no rows            fail       an error        big N       one row of N bytes
 *   begin, commit, rollback        (empty)                    copy ok     COPY FROM STDIN
 *   deallocate all, discard all                               copy bad    … whose data is refused
 *   set S to V, reset S, show S (see model-settings.ts)       copy late   … that fails before it reads any
 *   listen, prepare N, declare, create temp                   copy out N  COPY TO STDOUT, N rows
 *                                                             copy wide N … each of them long
 *
 * … and what Carpool asks for of its own accord. Anything else is a syntax error.
 */

import { NO_DATA, rowDescription } from "./backend-messages.ts";
import { Memo } from "./memo.ts";

const KNOWN =
  /^(|select \w+|rows \d+|big \d+|wide|insert|fail|begin|commit|rollback|deallocate all|discard all|copy (ok|bad|late|out \d+|wide \d+)|(set \w+ to|reset|show) \w+|listen|prepare \w+|declare|create temp)$/;

/** What Carpool itself asks for: to clean a server, and to move a client's settings to it. */
const OWN_COMMANDS =
  /^(reset session authorization|reset all|reset "\w+"|select pg_catalog\.(num_nulls|set_config|pg_advisory_unlock_all)\(.*\).*|select exists .*|select s\.name, s\.setting .*|deallocate all|discard temp|close all|unlisten \*)$/;

/** With which Carpool begins a transaction: nothing to the model. */
const BEGIN_MODES = /^begin isolation level read committed not deferrable$/;

const RETURNS_ROWS = /^(select|rows|big|wide|show)\b/;

const COPIES_IN: ReadonlySet<string> = new Set(["copy ok", "copy bad", "copy late"]);

const WIDE_COLUMNS = 100;

const NARROW = rowDescription(1);
const WIDE = rowDescription(WIDE_COLUMNS);

/** One command. */
export interface Command {
  /** Without what has no meaning. */
  readonly sql: string;
  /** Whether there is no syntax error in it. */
  readonly known: boolean;
  readonly returnsRows: boolean;
}

const COMMANDS = new Memo(readCommand);
const QUERIES = new Memo((text) => text.split(";").map((command) => COMMANDS.get(command)));

/** Reads the text of a Parse. */
export function commandOf(text: string): Command {
  return COMMANDS.get(text);
}

/** Reads the text of a Query. */
export function commandsOf(text: string): readonly Command[] {
  return QUERIES.get(text);
}

function readCommand(text: string): Command {
  const comment = text.indexOf("--");
  const sql = (comment < 0 ? text : text.slice(0, comment))
    .trim()
    .toLowerCase()
    .replace(BEGIN_MODES, "begin");
  const known = KNOWN.test(sql) || OWN_COMMANDS.test(sql);
  return { sql, known, returnsRows: RETURNS_ROWS.test(sql) };
}

/** Whether Carpool asks for it, and for rows. */
export function isOwnSelect(sql: string): boolean {
  return (
    sql.startsWith("select pg_catalog.") ||
    sql.startsWith("select s.name") ||
    sql.startsWith("select exists")
  );
}

export function isCopyIn(sql: string): boolean {
  return COPIES_IN.has(sql);
}

/** Returns RowDescription or NoData. */
export function descriptionOf({ sql, returnsRows }: Command): Uint8Array {
  if (!returnsRows) return NO_DATA;
  return sql === "wide" ? WIDE : NARROW;
}
