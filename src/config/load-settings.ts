/**
 * Text from the environment and from `carpool.yaml` to typed values, by a table of settings.
 * A function of its arguments: no process, no files, no clock.
 */

import type { Findings } from "./findings.ts";
import { describeOrigin, type Origin, type WrittenSetting } from "./origin.ts";
import {
  type FileSetting,
  type ParsedSettingsFile,
  parseSettingsFile,
  type SettingsFile,
} from "./parse-settings-file.ts";
import type { ConfigOf, Setting, SettingTable } from "./setting.ts";
import { type Environment, judgeEnvironment, judgeFile } from "./unknown-names.ts";

const NO_FILE: ParsedSettingsFile = { settings: new Map(), problems: [] };

export interface SettingSources {
  /** Wins over the file. */
  readonly env: Environment;
  /** Null where there is none. */
  readonly file: SettingsFile | null;
}

/** A setting as it holds now, for showing. */
export interface EffectiveSetting {
  readonly name: string;
  /** Its value in words, without secrets; null where it has none. */
  readonly shown: string | null;
  readonly origin: Origin;
}

/** All values, or all problems. */
export type LoadedSettings<Table extends SettingTable> =
  | {
      readonly ok: true;
      readonly config: ConfigOf<Table>;
      /** In the order of the table. */
      readonly effective: readonly EffectiveSetting[];
      readonly warnings: readonly string[];
    }
  | ({ readonly ok: false } & Findings);

/** Reads every setting of `table`. One bad value doesn't hide another: all problems are returned. */
export function loadSettings<Table extends SettingTable>(
  table: Table,
  sources: SettingSources,
): LoadedSettings<Table> {
  const file = sources.file === null ? NO_FILE : parseSettingsFile(sources.file);
  const names = Object.values(table).map((setting) => setting.name);
  const unknown = [judgeEnvironment(sources.env, names), judgeFile(file.settings, names)];
  const warnings = unknown.flatMap((findings) => findings.warnings);

  const texts = findTexts(table, sources.env, file.settings);
  const values: Record<string, unknown> = {};
  const effective: EffectiveSetting[] = [];
  const problems = [...file.problems];
  for (const [property, setting] of Object.entries(table)) {
    const reading = readSetting(setting, texts);
    if (reading.problem !== null) problems.push(reading.problem);
    values[property] = reading.value;
    effective.push(reading.effective);
  }
  problems.push(...unknown.flatMap((findings) => findings.problems));
  if (problems.length > 0) return { ok: false, problems, warnings };

  // The loop has set every property of the table to what its own parse returned.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return { ok: true, config: values as ConfigOf<Table>, effective, warnings };
}

/** What holds, by the name of the setting: somebody's text, or the default. */
type Texts = ReadonlyMap<string, WrittenSetting | FileSetting>;

interface Reading {
  readonly value: unknown;
  readonly effective: EffectiveSetting;
  readonly problem: string | null;
}

function findTexts(
  table: SettingTable,
  env: Environment,
  file: ReadonlyMap<string, FileSetting>,
): Texts {
  const texts = new Map<string, WrittenSetting | FileSetting>();
  for (const { name, default: text } of Object.values(table)) {
    const fromEnvironment = env[name] ?? "";
    const fromFile = file.get(name);
    if (fromEnvironment !== "") {
      texts.set(name, { text: fromEnvironment, origin: { kind: "environment" } });
    } else if (fromFile !== undefined) texts.set(name, fromFile);
    else if (text !== null) texts.set(name, { text, origin: { kind: "default" } });
  }
  return texts;
}

function readSetting(setting: Setting<unknown, string | null>, texts: Texts): Reading {
  const { name } = setting;
  const own = texts.get(name);
  const unset: EffectiveSetting = { name, shown: null, origin: own?.origin ?? { kind: "default" } };
  if (own === undefined) return { value: null, effective: unset, problem: null };

  const text = own.origin.kind === "default" ? expandDefault(own.text, texts) : own.text;
  const parsed = setting.parse(text);
  const isStrayList = "isList" in own && own.isList && !setting.list;
  if (parsed.ok && !isStrayList) {
    return { value: parsed.value, effective: { ...unset, shown: parsed.shown }, problem: null };
  }
  const reason = parsed.ok ? `must be ${setting.range}, not a list` : parsed.reason;
  const problem = `${name}=${setting.echo(text)} (${describeOrigin(own.origin)}) ${reason}`;
  return { value: null, effective: unset, problem };
}

/** Puts the other settings in the place of their `$NAME`. */
function expandDefault(text: string, texts: Texts): string {
  return text.replace(/\$([A-Z_]+)/g, (_, name: string) => texts.get(name)?.text ?? "");
}
