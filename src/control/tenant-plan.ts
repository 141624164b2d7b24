/**
 * What has to be done so that the store says what a file says, field by field.
 */

import { isDeepStrictEqual } from "node:util";
import type { StoredTenant, Tenant } from "../tenants/tenant.ts";
import type { TenantChange } from "../tenants/tenant-store.ts";
import type { TenantUser } from "../tenants/tenant-user.ts";

/** A field that has, or will have, another value. */
export interface FieldDifference {
  readonly field: string;
  /** Absent in what is created. */
  readonly before?: unknown;
  readonly after: unknown;
}

export type UserDifference =
  | { readonly kind: "create"; readonly alias: string; readonly fields: readonly FieldDifference[] }
  | { readonly kind: "update"; readonly alias: string; readonly fields: readonly FieldDifference[] }
  | { readonly kind: "delete"; readonly alias: string };

export type TenantDifference =
  | {
      readonly kind: "create" | "update";
      readonly externalId: string;
      readonly fields: readonly FieldDifference[];
      readonly users: readonly UserDifference[];
    }
  | { readonly kind: "delete"; readonly externalId: string };

/** What to write, and what people are shown of it: one of each for every tenant that changes. */
export interface TenantPlan {
  readonly changes: readonly TenantChange[];
  readonly differences: readonly TenantDifference[];
}

/**
 * State that comes from elsewhere (a ban by an operator, what a server reported) and that a file
 * which says nothing about it leaves alone.
 */
const STATE_FIELDS = ["banned_at", "banned_until", "ban_reason"] as const;

/**
 * Compares `wanted` with `existing`, which holds at least those of `wanted` that exist. Whoever
 * else is in `existing` is deleted with `prune`, and otherwise left alone.
 */
export function planTenants(
  wanted: readonly Tenant[],
  existing: readonly StoredTenant[],
  prune: boolean,
): TenantPlan {
  const before = new Map(existing.map((tenant) => [tenant.external_id, tenant]));
  const changes: TenantChange[] = [];
  const differences: TenantDifference[] = [];
  for (const tenant of wanted) {
    const stored = before.get(tenant.external_id) ?? null;
    before.delete(tenant.external_id);
    const desired = stored === null ? tenant : keepState(tenant, stored);
    const difference = compareTenants(stored, desired);
    if (difference === null) continue;
    changes.push({ kind: "put", tenant: desired });
    differences.push(difference);
  }
  if (prune)
    for (const externalId of before.keys()) {
      changes.push({ kind: "delete", externalId });
      differences.push({ kind: "delete", externalId });
    }
  return { changes, differences };
}

function keepState(tenant: Tenant, stored: StoredTenant): Tenant {
  const silent = isDeepStrictEqual(tenant.default_parameter_status, {});
  const learned = silent ? stored.default_parameter_status : tenant.default_parameter_status;
  const saysBan = STATE_FIELDS.some((field) => tenant[field] !== null);
  const { banned_at, banned_until, ban_reason } = saysBan ? tenant : stored;
  return {
    ...tenant,
    default_parameter_status: learned,
    banned_at,
    banned_until,
    ban_reason,
    users: tenant.users.map((user) => keepPrevious(user, stored.users)),
  };
}

/** A rotation goes on beside a file that knows its new password and says nothing of the one before. */
function keepPrevious(user: TenantUser, stored: readonly TenantUser[]): TenantUser {
  const known = stored.find((candidate) => candidate.db_user_alias === user.db_user_alias);
  const silent = user.db_password_previous === null && user.db_password === known?.db_password;
  if (known === undefined || !silent) return user;
  const { db_password_previous, previous_valid_until } = known;
  return { ...user, db_password_previous, previous_valid_until };
}

/** Returns what differs; null if nothing does. */
export function compareTenants(
  stored: StoredTenant | null,
  desired: Tenant,
): TenantDifference | null {
  const fields = compareFields(stored, desired, ["users"]);
  const users = compareUsers(stored?.users ?? [], desired.users);
  if (stored !== null && fields.length === 0 && users.length === 0) return null;
  const kind = stored === null ? "create" : "update";
  return { kind, externalId: desired.external_id, fields, users };
}

function compareUsers(
  stored: readonly TenantUser[],
  desired: readonly TenantUser[],
): UserDifference[] {
  const before = new Map(stored.map((user) => [user.db_user_alias, user]));
  const differences: UserDifference[] = [];
  for (const user of desired) {
    const alias = user.db_user_alias;
    const old = before.get(alias) ?? null;
    before.delete(alias);
    const fields = compareFields(old, user, []);
    if (old === null) differences.push({ kind: "create", alias, fields });
    else if (fields.length > 0) differences.push({ kind: "update", alias, fields });
  }
  for (const alias of before.keys()) differences.push({ kind: "delete", alias });
  return differences;
}

function compareFields(
  before: object | null,
  after: object,
  except: readonly string[],
): FieldDifference[] {
  return Object.entries(after).flatMap(([field, value]: [string, unknown]) => {
    if (except.includes(field)) return [];
    if (before === null) return [{ field, after: value }];
    const old: unknown = Reflect.get(before, field);
    return isDeepStrictEqual(old, value) ? [] : [{ field, before: old, after: value }];
  });
}
