/**
 * Settings that are integers: ports, counts, durations and sizes.
 * Units are those of postgresql.conf, with its spelling (`kB`, `min`); a bare number is in the
 * smallest one. A minimum above what a forgotten unit would give catches PgBouncer's seconds.
 */

import {
  type Parsed,
  quote,
  type Setting,
  type SettingFacts,
  type SettingUnit,
} from "./setting.ts";

/** A unit and how many of the smallest it is. */
type Unit = readonly [suffix: string, factor: number];

/** Smallest first. The first is what a bare number means. */
const DURATION_UNITS: readonly Unit[] = [
  ["ms", 1],
  ["s", 1000],
  ["min", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
];

const SIZE_UNITS: readonly Unit[] = [
  ["B", 1],
  ["kB", 1024],
  ["MB", 1024 ** 2],
  ["GB", 1024 ** 3],
];

/** Integers as they are, without a suffix. */
const NO_UNITS: readonly Unit[] = [["", 1]];

const PORT_MAX = 65_535;

/** At most 15 digits: what a JavaScript number holds exactly. */
const QUANTITY = /^(\d{1,15}) ?([A-Za-z]*)$/;

interface IntegerFacts<Default extends string | null> extends SettingFacts<Default> {
  /** In the smallest unit, inclusive. */
  readonly min: number;
  readonly max: number;
  /** Allows 0, below `min`, and says what it means: "never". */
  readonly zero?: string;
}

/** A TCP port. 0 lets the system choose a free one. */
export function port<const Default extends string | null>(
  facts: SettingFacts<Default>,
): Setting<number, Default> {
  return integer({ ...facts, min: 0, max: PORT_MAX }, "port", null, NO_UNITS);
}

/** A number of things. */
export function count<const Default extends string | null>(
  facts: IntegerFacts<Default>,
): Setting<number, Default> {
  return integer(facts, "integer", null, NO_UNITS);
}

/** A duration. Its value is in milliseconds. */
export function milliseconds<const Default extends string | null>(
  facts: IntegerFacts<Default>,
): Setting<number, Default> {
  return integer(facts, "duration", "Ms", DURATION_UNITS);
}

/** A size. Its value is in bytes. */
export function bytes<const Default extends string | null>(
  facts: IntegerFacts<Default>,
): Setting<number, Default> {
  return integer(facts, "size", "Bytes", SIZE_UNITS);
}

function integer<Default extends string | null>(
  facts: IntegerFacts<Default>,
  kind: string,
  unit: SettingUnit,
  units: readonly Unit[],
): Setting<number, Default> {
  const range = describeRange(facts, kind, units);
  return {
    name: facts.name,
    group: facts.group,
    default: facts.default,
    reloadable: facts.reloadable,
    summary: facts.summary,
    kind,
    unit,
    range,
    secret: false,
    list: false,
    parse: (text) => parseQuantity(text, facts, range, units),
    echo: quote,
  };
}

function describeRange(
  facts: IntegerFacts<string | null>,
  kind: string,
  units: readonly Unit[],
): string {
  const noun = units === NO_UNITS ? "an integer" : `a ${kind}`;
  const zero = facts.zero === undefined ? "" : `, or 0 (${facts.zero})`;
  return `${noun} from ${formatQuantity(facts.min, units)} to ${formatQuantity(facts.max, units)}${zero}`;
}

function parseQuantity(
  text: string,
  facts: IntegerFacts<string | null>,
  range: string,
  units: readonly Unit[],
): Parsed<number> {
  const [, digits = "", suffix = ""] = QUANTITY.exec(text) ?? [];
  const [smallest = ["", 1], next] = units;
  const [, factor] = units.find(([name]) => name === (suffix || smallest[0])) ?? [];
  if (digits === "" || factor === undefined) {
    return { ok: false, reason: `must be ${range}${describeUnits(units)}` };
  }
  const value = Number(digits) * factor;
  const isZero = value === 0 && facts.zero !== undefined;
  if (isZero || (value >= facts.min && value <= facts.max)) {
    return { ok: true, value, shown: formatQuantity(value, units) };
  }
  const forgotten = suffix === "" && value > 0 && value < facts.min && next !== undefined;
  const hint = forgotten
    ? ` (${digits} means ${digits}${smallest[0]}; did you mean ${digits}${next[0]}?)`
    : "";
  return { ok: false, reason: `must be ${range}${hint}` };
}

function describeUnits(units: readonly Unit[]): string {
  if (units === NO_UNITS) return "";
  return `; units are ${units.map(([suffix]) => suffix).join(", ")}`;
}

/** Returns `value` in the largest unit that divides it. */
function formatQuantity(value: number, units: readonly Unit[]): string {
  const [suffix = "", factor = 1] = units.findLast((unit) => value % unit[1] === 0) ?? [];
  return value === 0 ? "0" : `${value / factor}${suffix}`;
}
