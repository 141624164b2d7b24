/**
 * The `[pgbouncer]` section as settings of Carpool.
 */

import { SETTINGS } from "../../config/settings.ts";
import {
  DIFFERENT_DEFAULTS,
  GLOBAL_SETTINGS,
  type GlobalSetting,
  type GlobalValues,
  type SettingValue,
} from "./global-settings.ts";
import type { ImportRemark } from "./import-remark.ts";
import type { IniEntry } from "./ini-file.ts";

export interface ConvertedSettings {
  /** What PgBouncer would go by: of each setting the last line, and defaults where Carpool's differ. */
  readonly values: GlobalValues;
  /** Settings of Carpool, in the file's order. */
  readonly settings: ReadonlyMap<string, string>;
  readonly remarks: readonly ImportRemark[];
}

/** PgBouncer has no limit on the pools of a database; this is Carpool's largest. */
const POOLS_MAX: SettingValue = ["MAX_TENANT_POOLS", "10000"];
const BY_DATABASE: SettingValue = ["TENANT_BY_DATABASE", "true"];

const KNOWN = new Map(GLOBAL_SETTINGS.map((setting) => [setting.name, setting]));
const OURS = new Map(Object.values(SETTINGS).map((setting) => [setting.name, setting]));

/** @param entries of the section, in their order */
export function convertSettings(entries: readonly IniEntry[]): ConvertedSettings {
  const last = new Map(entries.map((entry) => [entry.key, entry]));
  const values = new Map<string, string>(Object.entries(DIFFERENT_DEFAULTS));
  for (const { key, value } of last.values()) values.set(key, value);
  const settings = new Map<string, string>([BY_DATABASE, POOLS_MAX]);
  const remarks: ImportRemark[] = [];
  for (const entry of entries) {
    const known = KNOWN.get(entry.key);
    const isLast = last.get(entry.key) === entry;
    const remark = isLast ? convertEntry(entry, known, values, settings) : overruled(entry);
    remarks.push(remark);
  }
  for (const [key, value] of Object.entries(DIFFERENT_DEFAULTS))
    if (!last.has(key)) remarks.push(convertDefault(key, value, values, settings));
  return { values, settings, remarks };
}

function convertEntry(
  entry: IniEntry,
  known: GlobalSetting | undefined,
  values: GlobalValues,
  settings: Map<string, string>,
): ImportRemark {
  const { key, value, place } = entry;
  const subject = `${key} = ${value}`;
  if (known === undefined)
    return { place, subject: key, fate: "refused", text: "PgBouncer 1.25 has no such setting" };
  if (known.counterpart === null)
    return { place, subject, fate: "no counterpart", text: known.note };
  const written = known.convert?.(value, values) ?? null;
  const results = (written ?? []).map((result) => writeSetting(result, settings));
  const text = [...results.map((result) => result.text), known.note].filter((part) => part !== "");
  const isLost = known.without?.includes(value) ?? false;
  if (isLost || results.some((result) => !result.ok))
    return { place, subject, fate: "differs", text: text.join(". ") };
  const own = written?.map(([name]) => name.toLowerCase()) ?? [];
  const fate = own.every((name) => name === key) ? "taken over" : "other name";
  if (written !== null) return { place, subject, fate, text: text.join(". ") };
  const fields = known.name === known.counterpart ? "" : `${known.counterpart}. `;
  return { place, subject, fate: "other name", text: `${fields}${known.note}` };
}

/** Sets what Carpool takes; its own default holds for the rest. */
function writeSetting(
  [name, value]: SettingValue,
  settings: Map<string, string>,
): { readonly ok: boolean; readonly text: string } {
  const setting = OURS.get(name);
  const parsed = setting?.parse(value);
  if (setting === undefined || parsed?.ok !== true) {
    const range = setting?.range ?? "something else";
    return {
      ok: false,
      text: `${name} cannot be ${value}: it must be ${range}; its default holds`,
    };
  }
  settings.set(name, value);
  return { ok: true, text: `${name} = ${value}` };
}

function convertDefault(
  key: string,
  value: string,
  values: GlobalValues,
  settings: Map<string, string>,
): ImportRemark {
  const known = KNOWN.get(key);
  const subject = `${key} = ${value}`;
  if (known?.without?.includes(value))
    return { place: null, subject, fate: "differs", text: known.note };
  const results = known?.convert?.(value, values) ?? [];
  const texts = results.map((result) => writeSetting(result, settings).text);
  const text = texts.length === 0 ? (known?.counterpart ?? "") : texts.join(", ");
  return { place: null, subject, fate: "other name", text };
}

function overruled({ key, value, place }: IniEntry): ImportRemark {
  const text = "a later line says otherwise, as for PgBouncer";
  return { place, subject: `${key} = ${value}`, fate: "taken over", text };
}
