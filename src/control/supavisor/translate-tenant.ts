/**
 * From a tenant of Supavisor and its users to the same in Carpool, field by field. Carpool has Supavisor's
 * names, so most of it is taken as it is; what is not, and what has no counterpart, is told in notes.
 */

import { X509Certificate } from "node:crypto";
import { type FieldProblem, formatFieldProblem } from "../../tenants/field-problem.ts";
import { type Tenant, tenantSchema } from "../../tenants/tenant.ts";
import type { ValidationContext } from "../../tenants/tenant-rules.ts";
import { tenantUserFields } from "../../tenants/tenant-user.ts";
import { validateTenant } from "../../tenants/validate-tenant.ts";
import { openCloakSecret } from "./cloak-secret.ts";
import { bytesOf, type SupavisorRow, textOf } from "./supavisor-rows.ts";

/** What became of a tenant. No password is in any of the texts. */
export interface TranslatedTenant {
  /** Null: it cannot be one, see `problems`. */
  readonly tenant: Tenant | null;
  readonly problems: readonly string[];
  /** What is not as it was. */
  readonly notes: readonly string[];
  /** Users whose password did not open. */
  readonly sealed: number;
}

/** Fields by name, on their way to validation. */
type Fields = Record<string, unknown>;

/** Each database makes its own of these. */
const OWN_COLUMNS: ReadonlySet<string> = new Set([
  "id",
  "inserted_at",
  "updated_at",
  "tenant_external_id",
]);

/** Supavisor's default of these is a setting here: who has not touched it follows the setting. */
const TENANT_SETTINGS: Readonly<Fields> = { client_idle_timeout: 0 };
const USER_SETTINGS: Readonly<Fields> = { pool_checkout_timeout: 60_000 };

/** Records of a user that differ in none of these are one. */
const SAME_LOGIN = ["db_user_alias", "db_user", "db_password"] as const;

const TENANT_FIELDS: ReadonlySet<string> = new Set(Object.keys(tenantSchema.shape));
const USER_FIELDS: ReadonlySet<string> = new Set(Object.keys(tenantUserFields.shape));

/** `users` are those of this tenant. `key` is what Supavisor sealed their passwords with. */
export function translateTenant(
  row: SupavisorRow,
  users: readonly SupavisorRow[],
  key: Uint8Array,
  context: ValidationContext,
): TranslatedTenant {
  const notes: string[] = [];
  const problems: FieldProblem[] = [];
  const fields = takeFields(row, TENANT_FIELDS, TENANT_SETTINGS, notes);
  takeTimes(fields);
  takeCertificate(row, fields, problems);
  takeBan(fields, notes);
  noteFlags(fields, notes);
  const records = users.map((user, index) => takeUser(user, index, key, notes, problems));
  fields["users"] = oneRecordPerLogin(records, notes);
  const sealed = problems.filter((problem) => problem.path[0] === "users").length;
  if (problems.length > 0)
    return { tenant: null, problems: problems.map(formatFieldProblem), notes, sealed };
  const result = validateTenant(fields, context);
  return result.ok
    ? { tenant: result.value, problems: [], notes, sealed }
    : { tenant: null, problems: result.problems.map(formatFieldProblem), notes, sealed };
}

/** Takes what has a value and a field of its name, and notes what has no field. */
function takeFields(
  row: SupavisorRow,
  known: ReadonlySet<string>,
  settings: Readonly<Fields>,
  notes: string[],
  whose = "",
): Fields {
  const fields: Fields = {};
  for (const [column, value] of Object.entries(row)) {
    if (OWN_COLUMNS.has(column) || isUnset(value) || settings[column] === value) continue;
    if (known.has(column)) fields[column] = value;
    else if (column !== "db_pass_encrypted")
      notes.push(`${whose}${column} has no counterpart and was left out`);
  }
  return fields;
}

/** Nobody has said anything: the default of the field holds. */
function isUnset(value: unknown): boolean {
  return value === null || value === undefined;
}

/** Ecto writes times in UTC without saying so. */
function takeTimes(fields: Fields): void {
  for (const name of ["banned_at", "banned_until"]) {
    const value = fields[name];
    if (typeof value === "string" && !/(Z|[+-]\d\d:?\d\d)$/.test(value)) fields[name] = `${value}Z`;
  }
}

/** Supavisor keeps the certificate as DER, or as what an operator has put there. */
function takeCertificate(row: SupavisorRow, fields: Fields, problems: FieldProblem[]): void {
  const bytes = bytesOf(row, "upstream_tls_ca");
  if (bytes === null) return;
  try {
    fields["upstream_tls_ca"] = new X509Certificate(bytes).toString();
  } catch {
    const message = "is not an X.509 certificate, neither in DER nor in PEM";
    problems.push({ path: ["upstream_tls_ca"], message });
  }
}

/** A ban without a reason is a ban. */
function takeBan(fields: Fields, notes: string[]): void {
  if (fields["banned_at"] === undefined || fields["ban_reason"] !== undefined) return;
  fields["ban_reason"] = "banned";
  notes.push('ban_reason is "banned": there was none, and clients are told one');
}

function noteFlags(fields: Fields, notes: string[]): void {
  const flags = fields["feature_flags"];
  if (typeof flags !== "object" || flags === null) return;
  const names = Object.keys(flags);
  if (names.length > 0)
    notes.push(`feature_flags are kept and change nothing here: ${names.toSorted().join(", ")}`);
}

/**
 * In Supavisor a login may have a record for each mode; here the port chooses the mode, and one record does.
 * That of transaction mode stays. Records with another role or password are two users of one name, which
 * validation refuses.
 */
function oneRecordPerLogin(users: readonly Fields[], notes: string[]): Fields[] {
  const kept: Fields[] = [];
  const ordered = users.toSorted((one, other) => Number(isSession(one)) - Number(isSession(other)));
  for (const user of ordered) {
    const twin = kept.find((candidate) =>
      SAME_LOGIN.every((name) => candidate[name] === user[name]),
    );
    if (twin === undefined) {
      kept.push(user);
      continue;
    }
    notes.push(
      `user ${String(user["db_user_alias"])}: the record for ${String(user["mode_type"])} mode, with a pool_size of ` +
        `${String(user["pool_size"])}, was left out: one record serves both modes`,
    );
  }
  return kept;
}

function isSession(user: Fields): boolean {
  return user["mode_type"] === "session";
}

function takeUser(
  row: SupavisorRow,
  index: number,
  key: Uint8Array,
  notes: string[],
  problems: FieldProblem[],
): Fields {
  const whose = `user ${textOf(row, "db_user_alias")}: `;
  const fields = takeFields(row, USER_FIELDS, USER_SETTINGS, notes, whose);
  const sealed = bytesOf(row, "db_pass_encrypted");
  const password = sealed === null ? null : openCloakSecret(sealed, key);
  if (password !== null) return { ...fields, db_password: password };
  const message =
    "cannot be decrypted: it was encrypted with another key, or the record was altered";
  problems.push({ path: ["users", index, "db_password"], message });
  return fields;
}
