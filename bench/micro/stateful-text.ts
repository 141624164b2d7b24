/**
 * The gate in front of the grammar: what every text of a client pays.
 */

import { bench } from "mitata";
import { mayBeStateful } from "../../src/sql/stateful-text.ts";

const TEXTS: Readonly<Record<string, string>> = {
  "select 1": "select 1",
  "52 bytes": "select abalance from pgbench_accounts where aid = $1",
  "180 bytes":
    "SELECT u.id, u.first_name, u.created_at FROM users u JOIN memberships m ON m.user_id = u.id " +
    "WHERE m.org_id = $1 AND u.deleted_at IS NULL ORDER BY u.created_at DESC LIMIT 50 OFFSET $2",
  "10 KB": `insert into t values ${"('some text', 42, 'more'),".repeat(400)} (null, 0, '')`,
};

/** Adds a benchmark for each text. */
export function addStatefulText(): void {
  for (const [name, sql] of Object.entries(TEXTS)) {
    const bytes = new TextEncoder().encode(`${sql}\0`);
    bench(name, () => mayBeStateful(bytes, 0, bytes.length));
  }
}
