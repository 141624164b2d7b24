/**
 * Tenants for tests.
 */

import type { Tenant } from "../../src/tenants/tenant.ts";
import { validateTenant } from "../../src/tenants/validate-tenant.ts";

/** A tenant as an operator would write it. */
export function tenantInput(externalId: string, fields: object = {}): object {
  return {
    external_id: externalId,
    db_host: "db.example.com",
    db_port: 5432,
    db_database: "postgres",
    users: [{ db_user: "app", db_password: "hunter2" }],
    ...fields,
  };
}

/** A valid tenant, with every default filled in. */
export function tenant(externalId: string, fields: object = {}): Tenant {
  const result = validateTenant(tenantInput(externalId, fields), { globalUpstreamCa: true });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value;
}
