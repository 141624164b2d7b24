/**
 * What an import makes, as files for people: tenants for `carpool apply`, settings for `carpool start`.
 */

import { isDeepStrictEqual } from "node:util";
import { stringify } from "yaml";
import { type Tenant, tenantSchema } from "../../tenants/tenant.ts";
import { tenantUserFields } from "../../tenants/tenant-user.ts";

const TENANT_DEFAULTS = tenantSchema.parse({
  external_id: "_",
  db_host: "_",
  db_port: 1,
  db_database: "_",
});
const USER_DEFAULTS = tenantUserFields.parse({ db_user: "_" });

const SECRETS_LEFT_OUT = "# Passwords are left out: fill in each db_password.\n";
const SETTINGS_INTRODUCTION = "# Settings of Carpool, made from a configuration of PgBouncer.\n";

/** Returns a tenant file, without what is a default anyway. */
export function renderTenantYaml(tenants: readonly Tenant[], withSecrets: boolean): string {
  const list = tenants.map(({ users, ...fields }) => ({
    ...withoutDefaults(fields, TENANT_DEFAULTS),
    users: users.map((user) => {
      const own = withoutDefaults(user, USER_DEFAULTS);
      if (own["db_user_alias"] === own["db_user"]) delete own["db_user_alias"];
      if (!withSecrets) delete own["db_password"];
      return own;
    }),
  }));
  return `${withSecrets ? "" : SECRETS_LEFT_OUT}${stringify({ tenants: list }, { lineWidth: 0 })}`;
}

/** Returns a `carpool.yaml`. */
export function renderSettingsYaml(settings: ReadonlyMap<string, string>): string {
  const lines = [...settings].map(([name, value]) => [name.toLowerCase(), value]);
  return `${SETTINGS_INTRODUCTION}${stringify(Object.fromEntries(lines))}`;
}

function withoutDefaults(record: object, defaults: object): Record<string, unknown> {
  const own = Object.entries(record).filter(
    ([field, value]) => !isDeepStrictEqual(value, Reflect.get(defaults, field)),
  );
  return Object.fromEntries(own);
}
