/**
 * The startup parameter `options`: command-line switches for the session, as libpq's PGOPTIONS sends them,
 * and Supavisor's way of naming the tenant in them.
 *
 * Understood are `-c name=value`, `-cname=value` and `--name=value`, and `reference=TENANT` in each of these forms,
 * as a bare word, and URL-encoded (`reference%3DTENANT`, `reference=TENANT&name=value`). PostgreSQL's other switches
 * (`-e`, `-S 64`, …) are refused: silently dropped they would be silently wrong.
 */

import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";
import type { StartupParameter } from "./frontend/startup-message.ts";

/** What isspace() knows, and with it `pg_split_opts`. */
const SPACES = " \t\n\v\f\r";

const REFERENCE = "reference";

/** What `options` asks for. */
export interface StartupOptions {
  /** In the client's order; later ones override earlier ones of the same name. Names have `_` for `-`. */
  readonly settings: readonly StartupParameter[];
  /** The tenant that the client names, or null. */
  readonly reference: string | null;
}

/**
 * FATAL 42601, as PostgreSQL answers to switches that it can't make sense of. The argument is told to the
 * client that sent it, never to the log.
 */
export class StartupOptionsError extends PoolerError {
  constructor(message: string, hint?: string) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.syntax_error,
      message,
      hint,
      logText: "invalid command-line argument in the startup options",
    });
  }
}

/**
 * Returns what the text of `options` asks for.
 * @throws {StartupOptionsError} on an unknown switch, a setting without name or value, an empty, doubled or wrongly
 * encoded reference, a backslash with nothing behind it.
 */
export function parseStartupOptions(text: string): StartupOptions {
  const settings: StartupParameter[] = [];
  let reference: string | null = null;
  for (const [name, value] of readAssignments(splitWords(text))) {
    if (name !== REFERENCE) {
      settings.push([name, value]);
      continue;
    }
    if (value === "") throw new StartupOptionsError("reference requires a value");
    if (reference !== null) throw new StartupOptionsError("reference is given twice");
    reference = value;
  }
  return { settings, reference };
}

/** Splits at spaces that no backslash precedes, and takes one level of backslashes away: `pg_split_opts`. */
function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (SPACES.includes(character)) {
      if (word !== null) words.push(word);
      word = null;
      continue;
    }
    if (character === "\\") at += 1;
    if (at === text.length) {
      throw new StartupOptionsError("unexpected end after backslash in startup options");
    }
    word = (word ?? "") + text.charAt(at);
  }
  if (word !== null) words.push(word);
  return words;
}

/** Reads the words as getopt() would, each switch an assignment. */
function readAssignments(words: readonly string[]): StartupParameter[] {
  const assignments: StartupParameter[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    if (word === "-c") {
      index += 1;
      const argument = words[index];
      if (argument === undefined) throw invalidArgument(word);
      assignments.push(readSetting("-c ", argument));
    } else if (word.startsWith("-c")) {
      assignments.push(readSetting("-c ", word.slice(2)));
    } else if (word.startsWith("--") && word !== "--") {
      assignments.push(readSetting("--", word.slice(2)));
    } else {
      assignments.push(...readBareWord(word));
    }
  }
  return assignments;
}

/** Splits `name=value` at its first `=`: PostgreSQL's ParseLongOption. */
function readSetting(prefix: string, argument: string): StartupParameter {
  const equals = argument.indexOf("=");
  const name = (equals === -1 ? argument : argument.slice(0, equals)).replaceAll("-", "_");
  if (name === "") throw new StartupOptionsError(`${prefix.trim()} requires a name before the "="`);
  if (equals === -1) throw new StartupOptionsError(`${prefix}${argument} requires a value`);
  return [name, argument.slice(equals + 1)];
}

/** Reads `reference=TENANT`, alone or as part of a URL's query string. */
function readBareWord(word: string): StartupParameter[] {
  const assignments = word.startsWith("-") ? null : readQueryString(word);
  if (assignments?.some(([name]) => name === REFERENCE) !== true) throw invalidArgument(word);
  return assignments;
}

/** Returns the assignments of a query string, its `=` and `&` encoded too or not, or null when it is none. */
function readQueryString(word: string): StartupParameter[] | null {
  const query = word.includes("=") ? word : (decodeUrl(word) ?? "");
  const assignments: StartupParameter[] = [];
  for (const part of query.split("&")) {
    const decoded = decodeUrl(part);
    const equals = decoded?.indexOf("=") ?? -1;
    if (decoded === null || equals < 1) return null;
    assignments.push([decoded.slice(0, equals), decoded.slice(equals + 1)]);
  }
  return assignments;
}

/** Returns the text that `part` encodes, or null where its escapes are broken. */
function decodeUrl(part: string): string | null {
  try {
    return decodeURIComponent(part.replaceAll("+", " "));
  } catch {
    return null;
  }
}

/** PostgreSQL's words, which name the argument. */
function invalidArgument(argument: string): StartupOptionsError {
  return new StartupOptionsError(
    `invalid command-line argument for server process: ${argument}`,
    "Settings are given as -c name=value or --name=value, a tenant as reference=NAME.",
  );
}
