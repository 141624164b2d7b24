/**
 * What binds a client to its server beyond a transaction, because it can't move to another one: how PostgreSQL is
 * asked whether it is there, and what takes it away.
 *
 * The questions ask what PostgreSQL would act on itself: DISCARD TEMP drops what depends on the temporary schema, so
 * that is what is looked for. All names are qualified, and nothing is written: they mean the same under any
 * search_path, for any role, on a standby.
 */

import { PIN } from "../../sql/effects.ts";

/** The reasons by the names that counters and logs have for them. */
export type PinReason = "temporary" | "advisory_lock" | "holdable_cursor" | "listen";

interface Reason {
  readonly bit: number;
  readonly name: PinReason;
  /** For the client, behind "because of". */
  readonly words: string;
  /** An SQL condition. Outside of a transaction: locks and cursors that are there by then are the session's. */
  readonly holds: string;
  readonly cleanup: string;
}

const REASONS: readonly Reason[] = [
  {
    bit: PIN.holdableCursor,
    name: "holdable_cursor",
    words: "WITH HOLD cursors",
    holds: "EXISTS (SELECT 1 FROM pg_catalog.pg_cursors c WHERE c.is_holdable)",
    cleanup: "CLOSE ALL",
  },
  {
    bit: PIN.listen,
    name: "listen",
    words: "LISTEN",
    holds: "EXISTS (SELECT 1 FROM pg_catalog.pg_listening_channels())",
    cleanup: "UNLISTEN *",
  },
  {
    bit: PIN.advisoryLock,
    name: "advisory_lock",
    words: "advisory locks of the session",
    holds:
      "EXISTS (SELECT 1 FROM pg_catalog.pg_locks l WHERE l.locktype OPERATOR(pg_catalog.=) 'advisory' " +
      "AND l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid())",
    cleanup: "SELECT pg_catalog.pg_advisory_unlock_all()",
  },
  {
    bit: PIN.temporary,
    name: "temporary",
    words: "temporary objects",
    holds:
      "EXISTS (SELECT 1 FROM pg_catalog.pg_depend d WHERE d.refclassid OPERATOR(pg_catalog.=) " +
      "'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid OPERATOR(pg_catalog.=) pg_catalog.pg_my_temp_schema())",
    cleanup: "DISCARD TEMP",
  },
];

/** All bits of {@link PIN}. */
export const ALL_PINS = REASONS.reduce((bits, { bit }) => bits | bit, 0);

/** Returns the SQL that asks which of these reasons hold, in one row. */
export function pinProbe(bits: number): string {
  return `SELECT ${reasonsOf(bits)
    .map(({ holds }) => holds)
    .join(",")}`;
}

/** Returns the bits that hold, from the row that answers {@link pinProbe}. */
export function heldPins(bits: number, row: readonly (string | null)[]): number {
  return reasonsOf(bits).reduce(
    (held, { bit }, column) => (row[column] === "t" ? held | bit : held),
    0,
  );
}

/** Returns the SQL that takes away what the bits name; empty for none. */
export function pinCleanup(bits: number): string {
  return reasonsOf(bits)
    .map(({ cleanup }) => cleanup)
    .join(";");
}

/** Returns the names of the bits. */
export function pinReasons(bits: number): readonly PinReason[] {
  return reasonsOf(bits).map(({ name }) => name);
}

/** Returns them as a client reads them. */
export function pinWords(bits: number): string {
  return reasonsOf(bits)
    .map(({ words }) => words)
    .join(", ");
}

function reasonsOf(bits: number): readonly Reason[] {
  return REASONS.filter(({ bit }) => (bits & bit) !== 0);
}
