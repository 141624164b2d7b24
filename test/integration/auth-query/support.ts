/**
 * A tenant whose passwords come from its database, and logins at it.
 */

import type { ClientConfig } from "pg";
import { startPooler, type TestPooler, type TestPoolerOptions } from "../../support/pooler.ts";
import type { TestPostgres } from "../../support/postgres.ts";
import { WITH_CERTIFICATE } from "../security/support/certificates.ts";

/** PgBouncer's, which filters what PostgreSQL would refuse. */
export const AUTH_QUERY =
  "select rolname, case when rolvaliduntil < now() then null else rolpassword end from pg_authid where rolname = $1 and rolcanlogin";

/** The manager's own role, so that its connections can be told from all others. */
export const MANAGER = { db_user: "manager", db_password: "manager-password", is_manager: true };

/** The fields of such a tenant. */
export function queried(fields: Readonly<Record<string, unknown>> = {}) {
  return { require_user: false, auth_query: AUTH_QUERY, users: [MANAGER], ...fields };
}

export async function createManager(postgres: TestPostgres): Promise<void> {
  await postgres.query("create role manager superuser login password 'manager-password'");
}

/** Starts a pooler whose tenant `dev` is {@link queried}. */
export function startQueried(
  postgres: TestPostgres,
  options: TestPoolerOptions = {},
): Promise<TestPooler> {
  return startPooler(postgres, {
    ...options,
    env: { ...WITH_CERTIFICATE, ...options.env },
    tenant: queried(options.tenant),
  });
}

/** Which connection `user` makes: by its own name, the tenant beside it, as MD5 needs it. */
export function loginAs(
  pooler: TestPooler,
  user: string,
  password: string,
  { tls = true, tenant = "dev" } = {},
): ClientConfig {
  return {
    ...pooler.target(),
    user,
    password,
    options: `reference=${tenant}`,
    ssl: tls ? { rejectUnauthorized: false } : false,
    connectionTimeoutMillis: 15_000,
  };
}

let roles = 0;

/** Creates a role that may log in, with a name that no other test has. */
export async function createRole(
  postgres: TestPostgres,
  password: string,
  encryption: "scram-sha-256" | "md5" = "scram-sha-256",
  attributes = "login",
): Promise<string> {
  roles += 1;
  const name = `role_${roles}`;
  await postgres.query(
    `set password_encryption = '${encryption}'; create role ${name} ${attributes} password '${password}'`,
  );
  return name;
}
