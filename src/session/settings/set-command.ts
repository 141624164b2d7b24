/**
 * SET and RESET of one setting, or RESET ALL, where that is all that a Query says and it is said in the usual way.
 * PostgreSQL judges whether it is carried out; what it means then is known without asking which settings hold.
 * Everything else is left to those who ask: read by few rules, strictly, and in ASCII only.
 */

import { readText } from "../../wire/bytes.ts";

/** A Query longer than this is not read: names have 63 bytes, or twice that in quotes. */
const COMMAND_BYTES_MAX = 512;

const SPACE = 0x20;
const SEMICOLON = 0x3b;
const LOWER_CASE = 0x20;
const E = 0x65;
const R = 0x72;
const S = 0x73;
const T = 0x74;

/** What a SET or RESET asks for. */
export interface SetCommand {
  /** In PostgreSQL's folded form; {@link ALL} for RESET ALL. */
  readonly name: string;
  /** As `set_config` takes it; null: back to the default. */
  readonly value: string | null;
  /** For the present transaction only. */
  readonly local: boolean;
}

/** Who SET SESSION AUTHORIZATION makes one. */
export const USER = "session_authorization";

/** What RESET ALL names. No setting is called so, since ALL is a keyword there. */
export const ALL = "all";

const IDENTIFIER = String.raw`(?:"(?:[^"]|"")+"|[a-z_][\w$]*)`;
const NAME = String.raw`(${IDENTIFIER}(?:\.${IDENTIFIER})*|time\s+zone)`;
const RESET = new RegExp(
  String.raw`^[\s;]*reset\s+(?:${NAME}|(session\s+authorization))[\s;]*$`,
  "i",
);
const NO_OTHER_USER = /^[\s;]*set\s+session\s+authorization\s+default[\s;]*$/i;
/** A string without escapes, a number, a word. */
const VALUE = String.raw`('(?:[^'\\]|'')*'|-?\d+(?:\.\d+)?|[a-z_]\w*)`;
const SET = new RegExp(
  String.raw`^[\s;]*set\s+(?:(local|session)\s+)?${NAME}\s*(?:=|\bto\b|(?<=zone)\s)\s*${VALUE}[\s;]*$`,
  "i",
);
// oxlint-disable-next-line no-control-regex -- all of ASCII
const ASCII = /^[\x01-\x7f]*$/;

/** Returns the command in `bytes[from, end)`, up to its NUL; null: it is none, or not in the usual words. */
export function setCommandIn(bytes: Uint8Array, from: number, end: number): SetCommand | null {
  if (end - from > COMMAND_BYTES_MAX || !mayBeOne(bytes, from)) return null;
  const sql = readText(bytes, from, end - 1);
  return ASCII.test(sql) ? (readReset(sql) ?? readSet(sql)) : null;
}

/** By its first three letters. A NUL ends the text. */
function mayBeOne(bytes: Uint8Array, from: number): boolean {
  let at = from;
  while (isPassedOver(bytes[at] ?? 0)) at += 1;
  const first = (bytes[at] ?? 0) | LOWER_CASE;
  if ((first !== S && first !== R) || ((bytes[at + 1] ?? 0) | LOWER_CASE) !== E) return false;
  return ((bytes[at + 2] ?? 0) | LOWER_CASE) === (first === S ? T : S);
}

function isPassedOver(byte: number): boolean {
  return (byte <= SPACE && byte !== 0) || byte === SEMICOLON;
}

function readReset(sql: string): SetCommand | null {
  const [, name, user] = RESET.exec(sql) ?? [];
  if (user !== undefined || NO_OTHER_USER.test(sql))
    return { name: USER, value: null, local: false };
  return name === undefined ? null : { name: folded(name), value: null, local: false };
}

function readSet(sql: string): SetCommand | null {
  const [, scope = "", name, written = ""] = SET.exec(sql) ?? [];
  if (name === undefined) return null;
  const value = valueOf(written);
  const command = { name: folded(name), value, local: scope.toLowerCase() === "local" };
  // TIME ZONE takes a number for an interval, and LOCAL for a word of its own.
  return value !== null && /\s/.test(name) ? null : command;
}

/** As the names of settings are kept. */
function folded(name: string): string {
  const plain = name.replaceAll('"', "").toLowerCase();
  return /^time\s/.test(plain) ? "timezone" : plain;
}

function valueOf(written: string): string | null {
  if (written.startsWith("'")) return written.slice(1, -1).replaceAll("''", "'");
  const word = written.toLowerCase();
  return word === "default" ? null : word;
}
