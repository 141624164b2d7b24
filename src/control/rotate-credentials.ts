/**
 * A role's new password: what POST update_auth_credentials of the API says, as with Supavisor. The old one
 * does as well for a time, so that neither a client nor a server that still has it is refused.
 */

import { z } from "zod";
import { DAMAGED_VERIFIER, isDamagedVerifier } from "../tenants/damaged-verifier.ts";
import type { FieldProblem } from "../tenants/field-problem.ts";
import { nameField, wholeNumber } from "../tenants/field-schemas.ts";
import type { StoredTenant, Tenant } from "../tenants/tenant.ts";
import { passwordField, type TenantUser } from "../tenants/tenant-user.ts";
import { InvalidFieldsError } from "./control-errors.ts";

/** Long enough for a deployment that restarts its processes one after the other. */
const GRACE_SECONDS_DEFAULT = 300;
/** Longer, it is a second password rather than a change of the first. */
const GRACE_SECONDS_MAX = 7 * 86_400;

/** What a POST takes. */
export const rotationSchema = z.strictObject({
  db_user: nameField,
  db_password: passwordField.refine((text) => !isDamagedVerifier(text), DAMAGED_VERIFIER),
  grace_period: wholeNumber(0, GRACE_SECONDS_MAX, "s").default(GRACE_SECONDS_DEFAULT),
});

type Rotation = z.output<typeof rotationSchema>;

/**
 * Returns `stored` with the password of `input`: `{db_user, db_password, grace_period}`, the last in
 * seconds. It becomes that of every user with this `db_user`; where none has it and passwords come from
 * `auth_query`, it is the manager's new login, which has no password before it. A password that is there
 * already changes nothing; with a `grace_period` of 0 it is the only one from now on.
 * @param now ISO 8601 in UTC, as times are in the store
 * Throws InvalidFieldsError.
 */
export function rotateCredentials(stored: StoredTenant, input: unknown, now: string): Tenant {
  const parsed = rotationSchema.safeParse(input);
  if (!parsed.success) throw new InvalidFieldsError(parsed.error.issues.flatMap(problemsOf));
  const rotation = parsed.data;
  const { id: _id, inserted_at: _insertedAt, updated_at: _updatedAt, ...tenant } = stored;
  const isListed = stored.users.some((user) => user.db_user === rotation.db_user);
  if (isListed)
    return { ...tenant, users: stored.users.map((user) => rotate(user, rotation, now)) };
  if (stored.require_user) throw invalid("db_user", "is the role of no user of this tenant");
  const taken = new Set(stored.users.map((user) => user.db_user_alias));
  return {
    ...tenant,
    users: stored.users.map((user) =>
      user.is_manager ? withLogin(user, rotation, !taken.has(rotation.db_user)) : user,
    ),
  };
}

function rotate(user: TenantUser, rotation: Rotation, now: string): TenantUser {
  if (user.db_user !== rotation.db_user) return user;
  const { db_password, grace_period } = rotation;
  if (grace_period === 0 || user.db_password === null)
    return { ...user, db_password, ...NO_PREVIOUS };
  // A request that is sent twice must not lose the password of before, nor lengthen its time.
  if (user.db_password === db_password) return user;
  return {
    ...user,
    db_password,
    db_password_previous: user.db_password,
    previous_valid_until: later(now, grace_period),
  };
}

const NO_PREVIOUS = { db_password_previous: null, previous_valid_until: null } as const;

/** Another role: the old one's password is none of its. A name of its own stays. */
function withLogin(user: TenantUser, rotation: Rotation, nameIsFree: boolean): TenantUser {
  const { db_user, db_password } = rotation;
  const follows = user.db_user_alias === user.db_user && nameIsFree;
  const db_user_alias = follows ? db_user : user.db_user_alias;
  return { ...user, db_user, db_user_alias, db_password, ...NO_PREVIOUS };
}

function later(now: string, seconds: number): string {
  // oxlint-disable-next-line no-restricted-globals -- counts from a text and reads no clock
  return new Date(Date.parse(now) + seconds * 1000).toISOString();
}

function problemsOf(issue: z.core.$ZodIssue): FieldProblem[] {
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({
      path: [key],
      message: "is not known: db_user, db_password and grace_period are",
    }));
  const path = issue.path.filter((step) => typeof step !== "symbol");
  const message = path.length === 0 ? "must be a map with db_user and db_password" : issue.message;
  return [{ path, message }];
}

function invalid(field: string, message: string): InvalidFieldsError {
  return new InvalidFieldsError([{ path: [field], message }]);
}
