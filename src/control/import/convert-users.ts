/**
 * The users of an imported tenant: those of `auth_file`, with the limits of `[users]`, seen through the
 * forced user or the `auth_user` of its database.
 */

import { isName } from "../../tenants/field-schemas.ts";
import type { FilePlace } from "./file-place.ts";
import type { ImportRemark } from "./import-remark.ts";
import type { TenantDraft } from "./tenant-draft.ts";
import type { ListedUser } from "./userlist.ts";

/** What every tenant's users are made from. */
export interface ImportedUsers {
  readonly listed: readonly ListedUser[];
  /** By name: fields of a user. */
  readonly limits: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
}

export interface ConvertedUsers {
  /** As they stand in a tenant file. */
  readonly users: readonly Readonly<Record<string, unknown>>[];
  readonly remarks: readonly ImportRemark[];
}

/** Where the database stands, for remarks. */
export interface DatabaseSubject {
  readonly place: FilePlace;
  readonly subject: string;
}

/** Returns the users who can be taken over, and a remark for each who cannot, or not in the same way. */
export function convertUsers(
  draft: TenantDraft,
  { listed, limits }: ImportedUsers,
  database: DatabaseSubject,
): ConvertedUsers {
  const usable = listed.filter(({ name, secret }) => secret !== "" && isName(name));
  if (draft.forcedUser !== null)
    return forcedUsers(draft, draft.forcedUser, usable, limits, database);
  if (draft.authUser !== null) return queriedUsers(draft.authUser, usable, limits, database);
  const users = usable.map((user) => ownRole(user, limits));
  return { users, remarks: users.length === 0 ? [nobody(database)] : [] };
}

/** Returns a remark for each user whom no tenant can have. */
export function unusableUsers(listed: readonly ListedUser[]): readonly ImportRemark[] {
  return listed
    .filter(({ name, secret }) => secret === "" || !isName(name))
    .map(({ name, secret, place }) => ({
      place,
      subject: `user ${JSON.stringify(name)}`,
      fate: "no counterpart",
      text:
        secret === "" ? "has no secret: nobody could log in" : "has a name that no role can have",
    }));
}

function ownRole({ name, secret }: ListedUser, limits: ImportedUsers["limits"]) {
  return { db_user: name, db_password: secret, ...limits.get(name) };
}

/** All secrets come from PostgreSQL; who has limits of its own is listed for these. */
function queriedUsers(
  manager: string,
  usable: readonly ListedUser[],
  limits: ImportedUsers["limits"],
  database: DatabaseSubject,
): ConvertedUsers {
  const account = usable.find(({ name }) => name === manager);
  if (account === undefined) {
    const text = `auth_user ${manager} has no password in auth_file`;
    return { users: [], remarks: [{ ...database, fate: "refused", text }] };
  }
  const limited = usable.filter(({ name }) => name !== manager && limits.has(name));
  const users = [
    { ...ownRole(account, limits), is_manager: true },
    ...limited.map((user) => ownRole(user, limits)),
  ];
  return { users, remarks: [] };
}

/** A user of Carpool has one password for its client and for its servers. */
function forcedUsers(
  { forcedPassword }: TenantDraft,
  role: string,
  usable: readonly ListedUser[],
  limits: ImportedUsers["limits"],
  database: DatabaseSubject,
): ConvertedUsers {
  const password = forcedPassword ?? usable.find(({ name }) => name === role)?.secret ?? null;
  if (password === null) {
    const text = `the forced user ${role} has no password here nor in auth_file`;
    return { users: [], remarks: [{ ...database, fate: "refused", text }] };
  }
  const same = usable.filter(({ secret }) => secret === password);
  const others = usable.filter(({ secret }) => secret !== password);
  const forced = { db_user: role, db_password: password };
  const users: Record<string, unknown>[] = same.map(({ name }) => ({
    db_user_alias: name,
    ...forced,
    ...limits.get(name),
  }));
  const { place, subject } = database;
  const remarks: ImportRemark[] = others.map(({ name }) => ({
    place,
    subject,
    fate: "no counterpart",
    text: `user ${name} has another password than the forced user ${role}, and a user here has one for both sides: it is left out`,
  }));
  if (same.every(({ name }) => name !== role)) {
    users.push(forced);
    const text = `clients may log in as the forced user ${role} itself, with its password`;
    remarks.push({ ...database, fate: "differs", text });
  }
  return { users, remarks };
}

function nobody(database: DatabaseSubject): ImportRemark {
  return { ...database, fate: "differs", text: "there are no users: nobody can log in yet" };
}
