/**
 * A tenant as a PUT of the API gives it, laid over the tenant that there is: fields that are left out
 * stay, as with Supavisor; a list of users takes the place of all users, where a user whose password is
 * left out keeps it: no answer of ours shows one, so nobody could send it back.
 */

import { isDeepStrictEqual } from "node:util";
import type { FieldProblem } from "../tenants/field-problem.ts";
import type { StoredTenant } from "../tenants/tenant.ts";
import type { TenantUser } from "../tenants/tenant-user.ts";
import { InvalidFieldsError } from "./control-errors.ts";

/** In our answers, and so perhaps in what comes back; not the operator's to write. */
const READ_ONLY_FIELDS = ["id", "inserted_at", "updated_at", "tenant_external_id"] as const;

/** Bans have a verb of their own. */
const BAN_FIELDS = ["banned_at", "banned_until", "ban_reason"] as const;

/** What a user keeps where it is left out. */
const KEPT_USER_FIELDS = ["db_password"] as const;

/**
 * Returns `input` as it is to be validated. Throws InvalidFieldsError where `input` names another
 * tenant, or changes a ban.
 */
export function mergeTenant(
  externalId: string,
  input: unknown,
  stored: StoredTenant | null,
): unknown {
  if (!isRecord(input)) throw invalid([], "must be a map of fields");
  const given = without(input, READ_ONLY_FIELDS);
  if ("external_id" in given && given["external_id"] !== externalId)
    throw invalid(["external_id"], `must be ${externalId}, as in the path, or be left out`);
  for (const field of BAN_FIELDS) refuseOtherBan(field, given, stored);
  const before = stored === null ? {} : without({ ...stored }, READ_ONLY_FIELDS);
  const merged: Record<string, unknown> = { ...before, ...given, external_id: externalId };
  if (Array.isArray(given["users"])) merged["users"] = mergeUsers(given["users"], stored);
  return merged;
}

function refuseOtherBan(
  field: (typeof BAN_FIELDS)[number],
  given: Readonly<Record<string, unknown>>,
  stored: StoredTenant | null,
): void {
  if (!(field in given)) return;
  if (isDeepStrictEqual(given[field], stored?.[field] ?? null)) return;
  throw invalid([field], "is changed by PATCH, which bans a tenant or lifts its ban");
}

function mergeUsers(users: readonly unknown[], stored: StoredTenant | null): unknown[] {
  const before = new Map(stored?.users.map((user) => [user.db_user_alias, user]));
  return users.map((user: unknown) => (isRecord(user) ? mergeUser(user, before) : user));
}

function mergeUser(
  user: Readonly<Record<string, unknown>>,
  before: ReadonlyMap<string, TenantUser>,
): Record<string, unknown> {
  const given = without(user, READ_ONLY_FIELDS);
  const alias: unknown = given["db_user_alias"] ?? given["db_user"];
  const known = typeof alias === "string" ? before.get(alias) : undefined;
  if (known === undefined) return given;
  for (const field of KEPT_USER_FIELDS) if (!(field in given)) given[field] = known[field];
  return { ...given, ...previousOf(given, known) };
}

/**
 * The password before the present one, which no answer of ours shows either, stays beside the very same
 * password; it ends with another one, or where its time is set to null.
 */
function previousOf(
  given: Readonly<Record<string, unknown>>,
  known: TenantUser,
): Readonly<Record<string, unknown>> {
  if ("db_password_previous" in given) return {};
  const { db_password_previous, previous_valid_until } = known;
  const { db_password, previous_valid_until: until = previous_valid_until } = given;
  return db_password === known.db_password && until !== null
    ? { db_password_previous, previous_valid_until: until }
    : { db_password_previous: null, previous_valid_until: null };
}

function without(
  record: Readonly<Record<string, unknown>>,
  fields: readonly string[],
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([field]) => !fields.includes(field)));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(path: FieldProblem["path"], message: string): InvalidFieldsError {
  return new InvalidFieldsError([{ path, message }]);
}
