/**
 * `carpool import`: takes over what another pooler knows.
 */

import { addImportPgBouncer } from "./import-pgbouncer.ts";
import { addImportSupavisor } from "./import-supavisor.ts";
import type { Verb } from "./verb.ts";

/** Adds the verb, with a subcommand for each pooler. */
export const addImport: Verb = (program, context, finish) => {
  const group = program
    .command("import")
    .description("take over a PgBouncer's configuration, or a Supavisor's tenants")
    .helpCommand(false);
  addImportPgBouncer(program, group, context, finish);
  addImportSupavisor(program, group, context, finish);
};
