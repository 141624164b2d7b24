/**
 * Which of many host names are taken, and by whom.
 */

import type { Kysely } from "kysely";
import { inChunks } from "./in-chunks.ts";
import type { TenantDatabase } from "./tenant-tables.ts";

/** Returns `external_id` by host name, for those of `hostnames` that a tenant has. */
export async function readHostnameOwners(
  database: Kysely<TenantDatabase>,
  hostnames: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const owners = new Map<string, string>();
  await inChunks(hostnames, async (chunk) => {
    const rows = await database
      .selectFrom("tenants")
      .select(["external_id", "sni_hostname"])
      .where("sni_hostname", "in", chunk)
      .execute();
    for (const { external_id, sni_hostname } of rows)
      if (sni_hostname !== null) owners.set(sni_hostname, external_id);
  });
  return owners;
}
