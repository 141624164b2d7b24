/**
 * What is in Supavisor's metadata database, as PostgreSQL's `to_jsonb` gives its rows: every version of
 * Supavisor has other columns, so a row is a map of whatever columns there are.
 */

/** A row by column. `bytea` is text that begins with `\x`, a time is text without a zone and in UTC. */
export type SupavisorRow = Readonly<Record<string, unknown>>;

export interface SupavisorRows {
  readonly tenants: readonly SupavisorRow[];
  readonly users: readonly SupavisorRow[];
  readonly clusters: readonly SupavisorRow[];
  readonly clusterTenants: readonly SupavisorRow[];
}

/** Returns the rows by what they have in `column`, in their order. */
export function rowsBy(
  rows: readonly SupavisorRow[],
  column: string,
): ReadonlyMap<string, readonly SupavisorRow[]> {
  return Map.groupBy(rows, (row) => textOf(row, column));
}

/** Returns the text in `column`; "" where there is none. */
export function textOf(row: SupavisorRow, column: string): string {
  const value = row[column];
  return typeof value === "string" ? value : "";
}

/** Returns the bytes in a `bytea` column; null where there are none. */
export function bytesOf(row: SupavisorRow, column: string): Uint8Array | null {
  const text = textOf(row, column);
  return text.startsWith("\\x") ? Buffer.from(text.slice(2), "hex") : null;
}
