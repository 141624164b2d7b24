/**
 * The note of a Query that is one SET, RESET or DISCARD ALL, in the queue of expected replies.
 *
 * To a server, its own defaults are what RESET goes back to, since it was opened for no client in particular. So a
 * Query that resets what its client asked for at its connection gets a SET of that behind it, in the same Query:
 * whatever becomes of the transaction, becomes of both, and PostgreSQL reports the parameter only if it is news.
 *
 * Left out: a RESET among other statements of a Query, or by the extended protocol. Those are put right at
 * check-in, or where the server is at rest.
 */

import { readText } from "../../wire/bytes.ts";
import type { ClientState } from "../client-state.ts";
import type { ExpectedNote } from "../relay/expected-reply.ts";
import { quoteName, quoteText, type Settings } from "./session-settings.ts";
import { ALL, type SetCommand, USER } from "./set-command.ts";

const DISCARD_ALL_BYTES_MAX = 64;
const D = 0x64;
const LOWER_CASE = 0x20;
const DISCARD_ALL = /^[\s;]*discard\s+all[\s;]*$/i;

export class SetNote {
  /** Null: DISCARD ALL. */
  readonly command: SetCommand | null;
  /** What the client knew of parameters before its DISCARD ALL. */
  readonly toldBefore: ReadonlyMap<string, string> | null;
  /** The client's own command is complete: what comes next is ours. */
  complete = false;

  constructor(command: SetCommand | null, toldBefore: ReadonlyMap<string, string> | null = null) {
    this.command = command;
    this.toldBefore = toldBefore;
  }

  /** Whether it is DISCARD ALL: what the server reports of that is not what will hold for the client. */
  get discards(): boolean {
    return this.toldBefore !== null;
  }
}

/** Whether what comes now belongs to a command of ours. */
export function isOfRestoration(note: ExpectedNote): boolean {
  return note instanceof SetNote && note.complete;
}

/** A command of a Query with this note is complete. Returns whether that is one of the client's. */
export function completeForClient(note: ExpectedNote): boolean {
  if (!(note instanceof SetNote)) return true;
  if (note.complete) return false;
  note.complete = true;
  return true;
}

const NO_NEWS: ReadonlyMap<string, string> = new Map();

/**
 * What the client has to be told after its DISCARD ALL: not what the server has now, but what it will have again
 * before the client's next query.
 */
export function newsOfDiscard(
  { complete, toldBefore }: SetNote,
  client: ClientState | null,
): ReadonlyMap<string, string> {
  const reported = client?.startupSettings.reported ?? null;
  if (!complete || toldBefore === null || client === null || reported === null) return NO_NEWS;
  client.told = reported;
  return new Map([...reported].filter(([name, value]) => toldBefore.get(name) !== value));
}

/** Returns the note of the Query in `bytes[from, end)` where it is DISCARD ALL, and the client asked for anything. */
export function discardNote(
  bytes: Uint8Array,
  from: number,
  end: number,
  asked: Settings,
  parameters: ReadonlyMap<string, string>,
): SetNote | null {
  if (asked.entries.size === 0 || end - from > DISCARD_ALL_BYTES_MAX) return null;
  if (((bytes[from] ?? 0) | LOWER_CASE) !== D) return null;
  if (!DISCARD_ALL.test(readText(bytes, from, end - 1))) return null;
  return new SetNote(null, new Map(parameters));
}

/** Returns what has to stand behind the command so that it goes back to what the client asked for; empty: nothing. */
export function restorationOf({ name, value, local }: SetCommand, asked: Settings): string {
  if (value !== null || asked.entries.size === 0) return "";
  return namesReset(name, asked)
    .map((each) => setCommand(each, asked.entries.get(each), local))
    .join("");
}

/** Who goes back to the user of the login goes back to the role of the login, too. */
function namesReset(name: string, asked: Settings): readonly string[] {
  if (name === USER) return ["role"];
  return name === ALL ? resetByAll(asked) : [name];
}

/** RESET ALL leaves alone who one is. */
function resetByAll({ entries }: Settings): readonly string[] {
  return [...entries.keys()].filter((name) => name !== "role" && name !== "session_authorization");
}

/**
 * A utility command where it can be one, rather than a call of set_config(): it takes no snapshot, so that
 * SET TRANSACTION may come behind it.
 */
function setCommand(name: string, value: string | undefined, local: boolean): string {
  if (value === undefined) return "";
  const isList = LISTS_OF_NAMES.has(name);
  if (isList && !PLAIN_LIST.test(value))
    return `\n;SELECT pg_catalog.set_config(${quoteText(name)},${quoteText(value)},${local})`;
  const values = isList ? value.split(", ").map(unquoted) : [value];
  return `\n;SET ${local ? "LOCAL " : ""}${quoteName(name)} TO ${values.map(quoteText).join(",")}`;
}

/** Settings of which SET takes each item for itself, and quotes it. */
export const LISTS_OF_NAMES: ReadonlySet<string> = new Set([
  "createrole_self_grant",
  "local_preload_libraries",
  "search_path",
  "session_preload_libraries",
  "temp_tablespaces",
]);

/** A list that SET would write in the same letters. */
const PLAIN_LIST = /^(?:"\$user"|[a-z_][a-z_0-9]*)(?:, (?:"\$user"|[a-z_][a-z_0-9]*))*$/;

function unquoted(item: string): string {
  return item.replaceAll('"', "");
}
