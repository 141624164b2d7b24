/**
 * The tables of the store as kysely sees them, and the way between a row and a tenant.
 * Columns bear the names of the fields. What SQLite and PostgreSQL have in common is enough: text,
 * integer, boolean (which SQLite keeps as 0 and 1); lists and maps are JSON in text, times ISO 8601.
 */

import type { ColumnType, Selectable } from "kysely";
import { z } from "zod";
import {
  limitsFromJson,
  limitsToJson,
  type TenantLimits,
  tenantLimitsFromJson,
  withoutLimits,
  withoutTenantLimits,
} from "./limit-fields.ts";
import type { SecretBox, SecretOwner } from "./secret-box.ts";
import type { StoredTenant, Tenant } from "./tenant.ts";
import type { TenantUser } from "./tenant-user.ts";

type BooleanColumn = ColumnType<boolean | number, boolean, boolean>;
type JsonColumn = ColumnType<string, string, string>;

type BooleanField = "upstream_ssl" | "enforce_ssl" | "require_user" | "use_jit";
type JsonField = "allow_list" | "feature_flags" | "default_parameter_status";

type TenantsTable = Omit<StoredTenant, BooleanField | JsonField | keyof TenantLimits | "users"> &
  Record<BooleanField, BooleanColumn> &
  Record<JsonField | "limits", JsonColumn>;

interface UsersTable {
  tenant_external_id: string;
  db_user_alias: string;
  db_user: string;
  /** See `secret-box.ts`. Null for a native user without a password. */
  db_pass_encrypted: string | null;
  /** The password before it, sealed as that, until `previous_valid_until`. */
  db_pass_previous_encrypted: string | null;
  previous_valid_until: string | null;
  pool_size: number | null;
  mode_type: TenantUser["mode_type"];
  is_manager: BooleanColumn;
  /** Of rows from before it was one of `user_limits`; 0 in others. */
  pool_checkout_timeout: number;
  max_clients: number | null;
  user_limits: JsonColumn;
}

/** One row. Every write adds one; whoever holds its lock is the only writer. */
interface StoreRevisionTable {
  singleton: number;
  revision: number;
}

/** For each tenant there ever was, the revision that put or deleted it last. */
interface TenantChangesTable {
  external_id: string;
  revision: number;
}

interface ClustersTable {
  alias: string;
  id: string;
  active: BooleanColumn;
  inserted_at: string;
  updated_at: string;
}

interface ClusterTenantsTable {
  id: string;
  cluster_alias: string;
  tenant_external_id: string;
  type: "read" | "write";
  active: BooleanColumn;
  /** In the order in which an operator wrote them. */
  position: number;
  inserted_at: string;
  updated_at: string;
}

export interface TenantDatabase {
  clusters: ClustersTable;
  cluster_tenants: ClusterTenantsTable;
  tenants: TenantsTable;
  users: UsersTable;
  store_revision: StoreRevisionTable;
  tenant_changes: TenantChangesTable;
}

export type ClusterRow = Selectable<ClustersTable>;
export type ClusterMemberRow = Selectable<ClusterTenantsTable>;
export type TenantRow = Selectable<TenantsTable>;
type UserRow = Selectable<UsersTable>;

/** A row of `tenants left join users`. Of a tenant without users, the columns of a user are null. */
export type JoinedRow = TenantRow & { [Column in keyof UserRow]: UserRow[Column] | null };

/** The columns of `users`, none of which `tenants` has. */
export const USER_COLUMNS = [
  "tenant_external_id",
  "db_user_alias",
  "db_user",
  "db_pass_encrypted",
  "db_pass_previous_encrypted",
  "previous_valid_until",
  "pool_size",
  "mode_type",
  "is_manager",
  "pool_checkout_timeout",
  "max_clients",
  "user_limits",
] as const satisfies readonly (keyof UserRow)[];

const allowListJson = z.array(z.string());
const featureFlagsJson = z.record(z.string(), z.union([z.boolean(), z.number(), z.string()]));
const parameterStatusJson = z.record(z.string(), z.string());

/** The fields of `tenants` that a put replaces: all but `id` and `inserted_at`. */
export function toTenantRow(tenant: Tenant, updatedAt: string) {
  const { users: _users, allow_list, feature_flags, default_parameter_status, ...rest } = tenant;
  return {
    ...withoutTenantLimits(rest),
    limits: limitsToJson(tenant),
    allow_list: JSON.stringify(allow_list),
    feature_flags: JSON.stringify(feature_flags),
    default_parameter_status: JSON.stringify(default_parameter_status),
    updated_at: updatedAt,
  };
}

export function toUserRow(externalId: string, user: TenantUser, box: SecretBox) {
  const { db_password, db_password_previous: previous, ...rest } = user;
  const owner = { externalId, dbUserAlias: user.db_user_alias };
  return {
    tenant_external_id: externalId,
    db_pass_encrypted: db_password === null ? null : box.seal(db_password, owner),
    db_pass_previous_encrypted: previous === null ? null : box.seal(previous, previousOf(owner)),
    user_limits: limitsToJson(user),
    pool_checkout_timeout: 0,
    ...withoutLimits(rest),
  };
}

/**
 * Returns the tenants of `rows`, whose rows stand together. Throws SecretNotOpenedError if a
 * password was sealed with another key, or for another user.
 */
export function fromJoinedRows(rows: readonly JoinedRow[], box: SecretBox): StoredTenant[] {
  const tenants: StoredTenant[] = [];
  let users: TenantUser[] = [];
  for (const row of rows) {
    if (row.external_id !== tenants.at(-1)?.external_id) {
      users = [];
      tenants.push(fromTenantRow(row, users));
    }
    if (hasUser(row)) users.push(fromUserRow(row, box));
  }
  return tenants;
}

function hasUser(row: JoinedRow): row is TenantRow & UserRow {
  return row.tenant_external_id !== null;
}

function fromTenantRow(row: JoinedRow, users: readonly TenantUser[]): StoredTenant {
  const { limits, ...tenant }: TenantRow = { ...row };
  for (const column of USER_COLUMNS) Reflect.deleteProperty(tenant, column);
  return {
    ...tenant,
    ...tenantLimitsFromJson(limits),
    upstream_ssl: Boolean(row.upstream_ssl),
    enforce_ssl: Boolean(row.enforce_ssl),
    require_user: Boolean(row.require_user),
    use_jit: Boolean(row.use_jit),
    allow_list: allowListJson.parse(JSON.parse(row.allow_list)),
    feature_flags: featureFlagsJson.parse(JSON.parse(row.feature_flags)),
    default_parameter_status: parameterStatusJson.parse(JSON.parse(row.default_parameter_status)),
    users,
  };
}

function fromUserRow(row: UserRow, box: SecretBox): TenantUser {
  const owner = { externalId: row.tenant_external_id, dbUserAlias: row.db_user_alias };
  const limits = limitsFromJson(row.user_limits);
  const { db_pass_encrypted: sealed, db_pass_previous_encrypted: previous } = row;
  const checkoutOfOldRow = row.pool_checkout_timeout === 0 ? null : row.pool_checkout_timeout;
  return {
    db_user_alias: row.db_user_alias,
    db_user: row.db_user,
    db_password: sealed === null ? null : box.open(sealed, owner),
    db_password_previous: previous === null ? null : box.open(previous, previousOf(owner)),
    previous_valid_until: row.previous_valid_until,
    pool_size: row.pool_size,
    mode_type: row.mode_type,
    is_manager: Boolean(row.is_manager),
    max_clients: row.max_clients,
    ...limits,
    pool_checkout_timeout: limits.pool_checkout_timeout ?? checkoutOfOldRow,
  };
}

function previousOf(owner: SecretOwner): SecretOwner {
  return { ...owner, purpose: "previous password" };
}
