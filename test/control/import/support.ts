/**
 * A PgBouncer's files in memory, imported.
 */

import {
  importPgBouncer,
  type PgBouncerImport,
} from "../../../src/control/import/import-pgbouncer.ts";
import { renderRemarks } from "../../../src/control/import/import-remark.ts";
import type { Tenant } from "../../../src/tenants/tenant.ts";

export type Files = Readonly<Record<string, string>>;

/** @param text of pgbouncer.ini */
export function importText(text: string, files: Files = {}, withoutHba = false): PgBouncerImport {
  return importPgBouncer({
    file: "pgbouncer.ini",
    text,
    readText: (path) => files[path] ?? null,
    withoutHba,
    context: { globalUpstreamCa: false },
  });
}

/** Returns the tenant of that name. Throws with the report if there is none. */
export function tenantOf(imported: PgBouncerImport, externalId: string): Tenant {
  const tenant = imported.tenants.find((each) => each.external_id === externalId);
  if (tenant === undefined) throw new Error(renderRemarks(imported.remarks));
  return tenant;
}

/** The lines of the report that speak of `word`. */
export function reportOf({ remarks }: PgBouncerImport, word: string): string[] {
  return renderRemarks(remarks)
    .split("\n")
    .filter((line) => line.includes(word));
}
