/**
 * RESET of what a client asked for when it connected. To a server, its own defaults are what one goes back to,
 * since it was opened for no client in particular. So a Query that resets gets a SET of the client's value
 * behind it, in the same Query: whatever becomes of the transaction, becomes of both, and PostgreSQL reports the
 * parameter only if the client's own value is news.
 *
 * Left out: a RESET among other statements of a Query, or by the extended protocol. Those are put right at
 * check-in, or where the server is at rest.
 */

import { readText } from "../wire/bytes.ts";
import type { ClientState } from "./client-state.ts";
import type { ExpectedNote } from "./expected-reply.ts";
import { quoteName, quoteText, type Settings } from "./session-settings.ts";

/** A Query longer than this is not read for a RESET: names have 63 bytes, or twice that in quotes. */
const RESET_BYTES_MAX = 300;

const SPACE = 0x20;
const SEMICOLON = 0x3b;
const LOWER_CASE = 0x20;
const D = 0x64;
const R = 0x72;
const S = 0x73;

const NAME = String.raw`((?:"(?:[^"]|"")+"|[a-z_][\w$]*)(?:\.(?:"(?:[^"]|"")+"|[a-z_][\w$]*))*|time\s+zone)`;
const RESET = new RegExp(String.raw`^[\s;]*reset\s+${NAME}[\s;]*$`, "i");
const DISCARD_ALL = /^[\s;]*discard\s+all[\s;]*$/i;
const TO_DEFAULT = new RegExp(
  String.raw`^[\s;]*set\s+(?:(local|session)\s+)?${NAME}\s*(?:=|\bto\b|(?<=zone)\s)\s*default[\s;]*$`,
  "i",
);

/** The note of a Query that resets, and has a SET of ours at its end; or of a DISCARD ALL. */
export class Restoration {
  /** The client's own command is complete: what completes next is ours. */
  complete = false;
  /** What the client knew of parameters before its DISCARD ALL; null: it is none. */
  readonly toldBefore: ReadonlyMap<string, string> | null;

  constructor(toldBefore: ReadonlyMap<string, string> | null = null) {
    this.toldBefore = toldBefore;
  }
}

/** Whether what comes now belongs to a command of ours. */
export function isOfRestoration(note: ExpectedNote): boolean {
  return note instanceof Restoration && note.complete;
}

/** A command of a Query with this note is complete. Returns whether that is one of the client's. */
export function completeForClient(note: ExpectedNote): boolean {
  if (!(note instanceof Restoration)) return true;
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
  { complete, toldBefore }: Restoration,
  client: ClientState | null,
): ReadonlyMap<string, string> {
  const reported = client?.startupSettings.reported ?? null;
  if (!complete || toldBefore === null || client === null || reported === null) return NO_NEWS;
  client.told = reported;
  return new Map([...reported].filter(([name, value]) => toldBefore.get(name) !== value));
}

/** Returns the note of the Query in `bytes[start, end)` where it is DISCARD ALL, and the client asked for anything. */
export function discardNote(
  bytes: Uint8Array,
  from: number,
  end: number,
  asked: Settings,
  parameters: ReadonlyMap<string, string>,
): Restoration | null {
  if (asked.entries.size === 0 || end - from > RESET_BYTES_MAX) return null;
  if (firstLetter(bytes, from) !== D) return null;
  return DISCARD_ALL.test(readText(bytes, from, end - 1))
    ? new Restoration(new Map(parameters))
    : null;
}

/**
 * Returns what has to stand behind the text in `bytes[from, end)`, up to its NUL, so that it goes back to what the
 * client asked for; null: nothing, because it resets nothing that the client asked for.
 */
export function restorationOf(
  bytes: Uint8Array,
  from: number,
  end: number,
  asked: Settings,
): string | null {
  if (asked.entries.size === 0 || end - from > RESET_BYTES_MAX) return null;
  const first = firstLetter(bytes, from);
  if (first !== R && first !== S) return null;
  return restorationOfText(readText(bytes, from, end - 1), asked);
}

/** In lower case. A NUL ends the text. */
function firstLetter(bytes: Uint8Array, from: number): number {
  let at = from;
  while (isPassedOver(bytes[at] ?? 0)) at += 1;
  return (bytes[at] ?? 0) | LOWER_CASE;
}

function isPassedOver(byte: number): boolean {
  return (byte <= SPACE && byte !== 0) || byte === SEMICOLON;
}

function restorationOfText(sql: string, asked: Settings): string | null {
  const reset = RESET.exec(sql);
  const toDefault = reset === null ? TO_DEFAULT.exec(sql) : null;
  const name = folded(reset?.[1] ?? toDefault?.[2]);
  if (name === null) return null;
  const local = toDefault?.[1]?.toLowerCase() === "local";
  const names = name === "all" && reset !== null ? resetByAll(asked) : [name];
  const commands: string[] = [];
  for (const each of names) {
    const value = asked.entries.get(each);
    if (value !== undefined) commands.push(setCommand(each, value, local));
  }
  return commands.length === 0 ? null : commands.join("");
}

/** Its name as the keys of settings have it. */
function folded(name: string | undefined): string | null {
  if (name === undefined) return null;
  const plain = name.replaceAll('"', "").toLowerCase();
  return /^time\s/.test(plain) ? "timezone" : plain;
}

/**
 * A utility command where it can be one, rather than a call of set_config(): it takes no snapshot, so that
 * SET TRANSACTION may come behind it.
 */
function setCommand(name: string, value: string, local: boolean): string {
  const isList = LISTS_OF_NAMES.has(name);
  if (isList && !PLAIN_LIST.test(value))
    return `\n;SELECT pg_catalog.set_config(${quoteText(name)},${quoteText(value)},${local})`;
  const values = isList ? value.split(", ").map(unquoted) : [value];
  return `\n;SET ${local ? "LOCAL " : ""}${quoteName(name)} TO ${values.map(quoteText).join(",")}`;
}

/** Settings of which SET takes each item for itself, and quotes it. */
const LISTS_OF_NAMES: ReadonlySet<string> = new Set([
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

/** RESET ALL leaves alone who one is. */
function resetByAll({ entries }: Settings): readonly string[] {
  return [...entries.keys()].filter((name) => name !== "role" && name !== "session_authorization");
}
