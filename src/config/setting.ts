/**
 * What one setting is: its name, its default and how its text becomes a value.
 * The kinds (`integer-settings.ts`, `text-settings.ts`) build these; `settings.ts` lists ours.
 */

/** The part of the product that a setting belongs to, in the order the documentation shows them. */
export const SETTING_GROUPS = [
  "Listening",
  "Storage",
  "TLS",
  "Clients",
  "Protection",
  "Authentication",
  "Servers",
  "Messages and prepared statements",
  "HTTP API",
  "Process",
] as const;

export type SettingGroup = (typeof SETTING_GROUPS)[number];

/** What a value is measured in, or null: it stands at the end of the property's name. */
export type SettingUnit = "Ms" | "Bytes" | null;

/** A value with the text that shows it to an operator, or why the text is no value. */
export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value; readonly shown: string }
  | { readonly ok: false; readonly reason: string };

/** The facts that every setting states, whatever its kind. */
export interface SettingFacts<Default extends string | null> {
  /** The environment variable. In `carpool.yaml` lower case does too. */
  readonly name: string;
  readonly group: SettingGroup;
  /**
   * What holds when nobody says otherwise, as an operator would write it. `$NAME` stands for another
   * setting. Null: there is no value, and the summary says what happens then.
   */
  readonly default: Default;
  /** Whether a running Carpool takes a new value from `carpool.yaml` (SIGHUP). */
  readonly reloadable: boolean;
  /** One or two sentences: what it does, and where the default comes from. */
  readonly summary: string;
}

export interface Setting<Value, Default extends string | null> extends SettingFacts<Default> {
  /** One word for the documentation: port, integer, duration, size, text, … */
  readonly kind: string;
  readonly unit: SettingUnit;
  /** What is allowed, in words that follow "must be". */
  readonly range: string;
  /** Secrets are never shown, not even when they are wrong. */
  readonly secret: boolean;
  /** Whether a YAML sequence is as good as text with commas. */
  readonly list: boolean;
  parse(text: string): Parsed<Value>;
  /** Returns `text` as an error message may repeat it: shortened, and without what is secret in it. */
  echo(text: string): string;
}

/** Settings by the property of the loaded config that holds their value. */
export type SettingTable = Readonly<Record<string, Setting<unknown, string | null>>>;

/** The loaded values of `Table`. Where a setting has no default, its value may be null. */
export type ConfigOf<Table extends SettingTable> = {
  readonly [Property in keyof Table]: Table[Property] extends Setting<infer Value, infer Default>
    ? Default extends null
      ? Value | null
      : Value
    : never;
};

/** How much of a wrong value an error message repeats. */
const ECHO_CHARACTERS_MAX = 80;

/** Returns `text` in quotes, with control characters escaped and the end cut off where it is long. */
export function quote(text: string): string {
  const cut = text.length > ECHO_CHARACTERS_MAX;
  return JSON.stringify(cut ? `${text.slice(0, ECHO_CHARACTERS_MAX)}…` : text);
}
