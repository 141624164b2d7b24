/**
 * The tenant `dev` of the quick start: leads to the embedded PostgreSQL, with a password that is made at
 * the first start and kept.
 */

import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assert } from "../../base/assert.ts";
import type { Random } from "../../base/random.ts";
import type { StoredTenant, Tenant } from "../../tenants/tenant.ts";
import type { TenantStore } from "../../tenants/tenant-store.ts";
import { validateTenant } from "../../tenants/validate-tenant.ts";
import { EmbeddedPostgresError } from "../embedded/postgres-error.ts";
import { isMissing } from "../system/is-missing.ts";

export const DEV_TENANT = "dev";
/** PostgreSQL's superuser, as its packages call it. */
export const DEV_USER = "postgres";
export const DEV_DATABASE = "postgres";

const HOST = "127.0.0.1";
const PASSWORD_FILE = "dev.password";
/** 120 bits: 20 characters that need no escaping in a connection string. */
const PASSWORD_RANDOM_BYTES = 15;

/** The embedded PostgreSQL, on 127.0.0.1. */
export interface DevServer {
  readonly port: number;
  readonly password: string;
}

/**
 * Returns the password of {@link DEV_USER}. Before there is a cluster it is made, and written to `folder`
 * (mode 0600) at once: a cluster whose password is known nowhere would be of no use.
 */
export async function devPassword(
  folder: string,
  clusterDirectory: string,
  random: Random,
): Promise<string> {
  const file = join(folder, PASSWORD_FILE);
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  if (existsSync(clusterDirectory))
    throw new EmbeddedPostgresError(
      `${file} is gone, and with it the password of ${clusterDirectory}. Move the folder away, and a new one is made.`,
    );
  const password = Buffer.from(random.bytes(PASSWORD_RANDOM_BYTES)).toString("base64url");
  await writeFile(file, `${password}\n`, { mode: 0o600, flush: true });
  return password;
}

/**
 * Registers the tenant, or tells the one there is where its server is now; what somebody has changed of it
 * beyond that stays.
 */
export async function registerDevTenant(store: TenantStore, server: DevServer): Promise<void> {
  const known = await store.get(DEV_TENANT);
  const tenant = known === null ? newTenant(server) : movedTenant(known, server);
  await store.write([{ kind: "put", tenant }]);
}

function newTenant({ port, password }: DevServer): Tenant {
  const checked = validateTenant(
    {
      external_id: DEV_TENANT,
      db_host: HOST,
      db_port: port,
      db_database: DEV_DATABASE,
      users: [{ db_user: DEV_USER, db_password: password }],
    },
    { globalUpstreamCa: false },
  );
  assert(checked.ok, "the quick start's tenant is a valid one");
  return checked.value;
}

function movedTenant(known: StoredTenant, server: DevServer): Tenant {
  const { id: _id, inserted_at: _inserted, updated_at: _updated, ...fields } = known;
  const fresh = newTenant(server);
  const kept = fields.users.find(({ db_user_alias }) => db_user_alias === DEV_USER);
  const others = fields.users.filter((user) => user !== kept);
  const own = kept && { ...kept, db_user: DEV_USER, db_password: server.password };
  const users = own === undefined ? [...others, ...fresh.users] : [...others, own];
  return { ...fields, db_host: fresh.db_host, db_port: fresh.db_port, users };
}
