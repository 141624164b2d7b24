/**
 * Settings that are text: names, paths, choices, switches, secrets, URLs, JSON and lists.
 */

import { type Parsed, quote, type Setting, type SettingFacts } from "./setting.ts";

/** What stands where a secret would. */
const HIDDEN = "(hidden)";

/** PostgreSQL's words for a boolean, as postgresql.conf takes them. */
const TRUE_WORDS = new Set(["true", "on", "yes", "1"]);
const FALSE_WORDS = new Set(["false", "off", "no", "0"]);

const CONTROL_CHARACTER = /\p{Cc}/u;

/** How a kind differs from plain text. */
interface Kind<Value> {
  readonly kind: string;
  readonly range: string;
  readonly secret?: boolean;
  readonly list?: boolean;
  readonly parse: (text: string) => Parsed<Value>;
  readonly echo?: (text: string) => string;
}

/** Text of 1 to `charactersMax` characters, none of them a control character. */
export function text<const Default extends string | null>(
  facts: SettingFacts<Default> & { readonly charactersMax: number },
): Setting<string, Default> {
  const range = `text of 1 to ${facts.charactersMax} characters, none of them a control character`;
  const parse = (value: string): Parsed<string> =>
    value.length > facts.charactersMax || CONTROL_CHARACTER.test(value)
      ? refuse(range)
      : { ok: true, value, shown: value };
  return build(facts, { kind: "text", range, parse });
}

/** The path of a file or folder, as written: a relative one counts from the working directory. */
export function path<const Default extends string | null>(
  facts: SettingFacts<Default>,
): Setting<string, Default> {
  const range = "a path without control characters";
  const parse = (value: string): Parsed<string> =>
    CONTROL_CHARACTER.test(value) ? refuse(range) : { ok: true, value, shown: value };
  return build(facts, { kind: "path", range, parse });
}

/** One of the words `choices`, exactly as they are written there. */
export function choice<const Choice extends string, const Default extends Choice | null>(
  facts: SettingFacts<Default> & { readonly choices: readonly Choice[] },
): Setting<Choice, Default> {
  const range = `one of ${facts.choices.join(", ")}`;
  const parse = (word: string): Parsed<Choice> => {
    const value = facts.choices.find((candidate) => candidate === word);
    return value === undefined ? refuse(range) : { ok: true, value, shown: value };
  };
  return build(facts, { kind: "choice", range, parse });
}

/** A switch, in the words of postgresql.conf and any case. */
export function boolean<const Default extends string | null>(
  facts: SettingFacts<Default>,
): Setting<boolean, Default> {
  const range = "true or false (on, off, yes, no, 1, 0)";
  const parse = (word: string): Parsed<boolean> => {
    const lower = word.toLowerCase();
    const value = TRUE_WORDS.has(lower);
    if (!value && !FALSE_WORDS.has(lower)) return refuse(range);
    return { ok: true, value, shown: String(value) };
  };
  return build(facts, { kind: "boolean", range, parse });
}

/** Bytes that nobody may see: exactly `bytesExact` of them in UTF-8. */
export function secret<const Default extends string | null>(
  facts: SettingFacts<Default> & { readonly bytesExact: number },
): Setting<string, Default> {
  const range = `exactly ${facts.bytesExact} bytes`;
  const parse = (value: string): Parsed<string> => {
    const length = Buffer.byteLength(value);
    if (length === facts.bytesExact) return { ok: true, value, shown: HIDDEN };
    return { ok: false, reason: `must be ${range}, and has ${length}` };
  };
  return build(facts, { kind: "secret", range, secret: true, parse, echo: () => HIDDEN });
}

/** Text that nobody may see, of `bytesMin` to `bytesMax` bytes in UTF-8. */
export function secretText<const Default extends string | null>(
  facts: SettingFacts<Default> & { readonly bytesMin: number; readonly bytesMax: number },
): Setting<string, Default> {
  const range = `${facts.bytesMin} to ${facts.bytesMax} bytes`;
  const parse = (value: string): Parsed<string> => {
    const length = Buffer.byteLength(value);
    if (length >= facts.bytesMin && length <= facts.bytesMax)
      return { ok: true, value, shown: HIDDEN };
    return { ok: false, reason: `must be ${range}, and has ${length}` };
  };
  return build(facts, { kind: "secret", range, secret: true, parse, echo: () => HIDDEN });
}

/** Items separated by commas that nobody may see. Empty ones are left out, so that a comma too many harms nobody. */
export function secretList<const Default extends string | null>(
  facts: SettingFacts<Default>,
): Setting<readonly string[], Default> {
  const range = "texts, separated by commas";
  const hidden = { secret: true, list: true, echo: () => HIDDEN };
  return build(facts, { kind: "list", range, parse: parseSecretList, ...hidden });
}

/** A JSON object, as text: what the names in it mean is its reader's business. */
export function jsonObject<const Default extends string | null>(
  facts: SettingFacts<Default>,
): Setting<Readonly<Record<string, unknown>>, Default> {
  const range = 'a JSON object, such as {"role": "admin"}';
  const parse = (value: string): Parsed<Readonly<Record<string, unknown>>> => {
    const object = parseJsonObject(value);
    return object === null
      ? refuse(range)
      : { ok: true, value: object, shown: JSON.stringify(object) };
  };
  return build(facts, { kind: "json", range, parse });
}

/** A URL with one of `schemes` and something behind it. Credentials in it are never shown. */
export function url<const Default extends string | null>(
  facts: SettingFacts<Default> & { readonly schemes: readonly string[]; readonly range: string },
): Setting<string, Default> {
  const parse = (value: string): Parsed<string> => {
    const known = facts.schemes.some(
      (scheme) => value.startsWith(`${scheme}:`) && value.length > scheme.length + 1,
    );
    return known ? { ok: true, value, shown: hideCredentials(value) } : refuse(facts.range);
  };
  return build(facts, { kind: "url", range: facts.range, parse, echo: echoUrl });
}

/** Items separated by commas (a sequence in YAML), each of which `accepts` allows. At least one. */
export function list<const Default extends string | null>(
  facts: SettingFacts<Default> & {
    readonly range: string;
    readonly accepts: (item: string) => boolean;
  },
): Setting<readonly string[], Default> {
  const parse = (value: string): Parsed<readonly string[]> => {
    const items = value.split(",").map((item) => item.trim());
    return items.every((item) => facts.accepts(item))
      ? { ok: true, value: items, shown: items.join(",") }
      : refuse(facts.range);
  };
  return build(facts, { kind: "list", range: facts.range, list: true, parse });
}

function build<Value, Default extends string | null>(
  facts: SettingFacts<Default>,
  kind: Kind<Value>,
): Setting<Value, Default> {
  return {
    name: facts.name,
    group: facts.group,
    default: facts.default,
    reloadable: facts.reloadable,
    summary: facts.summary,
    kind: kind.kind,
    unit: null,
    range: kind.range,
    secret: kind.secret ?? false,
    list: kind.list ?? false,
    parse: kind.parse,
    echo: kind.echo ?? quote,
  };
}

function refuse(range: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason: `must be ${range}` };
}

function echoUrl(value: string): string {
  return quote(hideCredentials(value));
}

function parseSecretList(value: string): Parsed<readonly string[]> {
  const items = value.split(",").map((item) => item.trim());
  return { ok: true, value: items.filter((item) => item !== ""), shown: HIDDEN };
}

function parseJsonObject(json: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(json);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? { ...value } : null;
  } catch {
    return null;
  }
}

/** Cuts user and password, and the parameters, where a password may stand too. */
function hideCredentials(value: string): string {
  return value.replace(/^([a-z][a-z0-9+.-]*:)?.*@/is, "$1***@").replace(/\?.*$/s, "?***");
}
