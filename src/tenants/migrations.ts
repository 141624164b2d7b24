/**
 * The schema of the store, in steps that are never changed once released: SQLite and PostgreSQL.
 */

import { type ColumnDefinitionBuilder, type Kysely, sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { errorMessage } from "../base/error-message.ts";

const required = (column: ColumnDefinitionBuilder) => column.notNull();
const key = (column: ColumnDefinitionBuilder) => column.primaryKey();
const emptyMap = (column: ColumnDefinitionBuilder) => column.notNull().defaultTo("{}");
const unique = (column: ColumnDefinitionBuilder) => column.notNull().unique();

/** The store cannot be brought to this program's schema: most often, a newer one has been there. */
export class MigrationFailedError extends Error {
  override readonly name = "MigrationFailedError";

  constructor(cause: unknown) {
    const reason = errorMessage(cause);
    super(
      `the tenant store cannot be brought to the schema of this version of Carpool; was it used by a newer one? ${reason}`,
      { cause },
    );
  }
}

/** Brings the store to the newest schema. Of several processes one does it and the others wait. */
export async function migrate<Tables>(database: Kysely<Tables>): Promise<void> {
  const migrator = new Migrator({
    db: database,
    provider: { getMigrations: async () => MIGRATIONS },
    migrationTableName: "carpool_migrations",
    migrationLockTableName: "carpool_migrations_lock",
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw new MigrationFailedError(error);
}

const MIGRATIONS: Readonly<Record<string, Migration>> = {
  "0001-tenants-and-users": {
    async up(database) {
      await createTenants(database);
      await createUsers(database);
      await createRevisions(database);
    },
  },
  "0002-limits": { up: addLimits },
  "0003-previous-passwords": { up: addPreviousPasswords },
  "0004-clusters": { up: createClusters },
};

async function createTenants(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable("tenants")
    .addColumn("external_id", "text", key)
    .addColumn("id", "text", unique)
    .addColumn("db_host", "text", required)
    .addColumn("db_port", "integer", required)
    .addColumn("db_database", "text", required)
    .addColumn("ip_version", "text", required)
    .addColumn("upstream_ssl", "boolean", required)
    .addColumn("upstream_verify", "text")
    .addColumn("upstream_tls_ca", "text")
    .addColumn("enforce_ssl", "boolean", required)
    .addColumn("require_user", "boolean", required)
    .addColumn("auth_query", "text")
    .addColumn("default_pool_size", "integer", required)
    .addColumn("default_max_clients", "integer", required)
    .addColumn("default_pool_strategy", "text", required)
    .addColumn("sni_hostname", "text", (column) => column.unique())
    .addColumn("client_idle_timeout", "integer", required)
    .addColumn("client_heartbeat_interval", "integer", required)
    .addColumn("allow_list", "text", required)
    .addColumn("availability_zone", "text")
    .addColumn("feature_flags", "text", required)
    .addColumn("use_jit", "boolean", required)
    .addColumn("jit_api_url", "text")
    .addColumn("default_parameter_status", "text", required)
    .addColumn("banned_at", "text")
    .addColumn("banned_until", "text")
    .addColumn("ban_reason", "text")
    .addColumn("inserted_at", "text", required)
    .addColumn("updated_at", "text", required)
    .execute();
}

async function createUsers(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable("users")
    .addColumn("tenant_external_id", "text", (column) =>
      column.notNull().references("tenants.external_id").onDelete("cascade"),
    )
    .addColumn("db_user_alias", "text", required)
    .addColumn("db_user", "text", required)
    .addColumn("db_pass_encrypted", "text")
    .addColumn("pool_size", "integer")
    .addColumn("mode_type", "text", required)
    .addColumn("is_manager", "boolean", required)
    .addColumn("pool_checkout_timeout", "integer", required)
    .addColumn("max_clients", "integer")
    .addPrimaryKeyConstraint("users_key", ["tenant_external_id", "db_user_alias"])
    .execute();
}

async function createRevisions(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable("store_revision")
    .addColumn("singleton", "integer", key)
    .addColumn("revision", "integer", required)
    .execute();
  await database.schema
    .createTable("tenant_changes")
    .addColumn("external_id", "text", key)
    .addColumn("revision", "integer", required)
    .execute();
  await database.schema
    .createIndex("tenant_changes_revision")
    .on("tenant_changes")
    .column("revision")
    .execute();
  await database
    .withTables<{ store_revision: { singleton: number; revision: number } }>()
    .insertInto("store_revision")
    .values({ singleton: 1, revision: 0 })
    .execute();
}

/**
 * Limits become one column of JSON each, where the absence of a limit differs from 0. A `client_idle_timeout`
 * of 0 was nobody's choice but the default.
 */
async function addLimits(database: Kysely<unknown>): Promise<void> {
  await database.schema.alterTable("users").addColumn("user_limits", "text", emptyMap).execute();
  await database.schema.alterTable("tenants").addColumn("limits", "text", emptyMap).execute();
  await sql`update tenants set limits = '{"client_idle_timeout":' || client_idle_timeout || '}'
    where client_idle_timeout > 0`.execute(database);
  await database.schema.alterTable("tenants").dropColumn("client_idle_timeout").execute();
}

/** A password that is being replaced is kept beside the new one until its end. */
async function addPreviousPasswords(database: Kysely<unknown>): Promise<void> {
  const users = database.schema.alterTable("users");
  await users.addColumn("db_pass_previous_encrypted", "text").execute();
  await users.addColumn("previous_valid_until", "text").execute();
}

/** No foreign key to `tenants`: a put replaces a tenant's row, and must not take it out of its cluster. */
async function createClusters(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable("clusters")
    .addColumn("alias", "text", key)
    .addColumn("id", "text", unique)
    .addColumn("active", "boolean", required)
    .addColumn("inserted_at", "text", required)
    .addColumn("updated_at", "text", required)
    .execute();
  await database.schema
    .createTable("cluster_tenants")
    .addColumn("tenant_external_id", "text", key)
    .addColumn("id", "text", unique)
    .addColumn("cluster_alias", "text", (column) =>
      column.notNull().references("clusters.alias").onDelete("cascade"),
    )
    .addColumn("type", "text", required)
    .addColumn("active", "boolean", required)
    .addColumn("position", "integer", required)
    .addColumn("inserted_at", "text", required)
    .addColumn("updated_at", "text", required)
    .execute();
}
