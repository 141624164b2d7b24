/**
 * `carpool import`: takes over what another pooler knows.
 */

import { addImportSupavisor } from "./import-supavisor.ts";
import type { Verb } from "./verb.ts";

/** Adds the verb, with a subcommand for each pooler. */
export const addImport: Verb = (program, context, finish) => {
  const group = program
    .command("import")
    .description("take over the tenants of another pooler")
    .helpCommand(false);
  addImportSupavisor(program, group, context, finish);
};
