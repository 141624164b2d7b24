/**
 * From a parsed document to a tenant: every field, then the rules between fields, with an answer
 * for each mistake that names the field and, where it can be no secret, the value.
 */

import type { z } from "zod";
import { closestName } from "../base/closest-name.ts";
import {
  displayValue,
  type FieldPath,
  type FieldProblem,
  type Validation,
} from "./field-problem.ts";
import { sizeProblems } from "./input-size.ts";
import { type Tenant, tenantSchema } from "./tenant.ts";
import { crossFieldProblems, type ValidationContext } from "./tenant-rules.ts";
import { tenantUserFields } from "./tenant-user.ts";

const TENANT_FIELDS: ReadonlySet<string> = new Set(Object.keys(tenantSchema.shape));
const USER_FIELDS: ReadonlySet<string> = new Set(Object.keys(tenantUserFields.shape));

/** To look for what somebody meant takes 0.05 ms a field, and nobody reads as many. */
const PROBLEMS_MAX = 1000;

/** An unknown name is somebody's mistake, and may be megabytes of it. */
const NAME_CHARACTERS_MAX = 80;

/** In an answer of the API, but not the operator's to write. */
const READ_ONLY_FIELDS: ReadonlySet<string> = new Set([
  "id",
  "inserted_at",
  "updated_at",
  "tenant_external_id",
]);

/** A key may be pasted where its certificate belongs, a password stand in a URL or instead of a user. */
const NEVER_SHOWN: ReadonlySet<string> = new Set([
  "db_password",
  "db_password_previous",
  "upstream_tls_ca",
  "jit_api_url",
  "users",
]);

/**
 * Checks `input`, the tenant as JSON or YAML gave it. Returns the tenant with every default filled
 * in, or all problems of its fields; problems between fields are looked for once each field is
 * right. Never throws.
 */
export function validateTenant(input: unknown, context: ValidationContext): Validation<Tenant> {
  const oversize = sizeProblems(input);
  if (oversize.length > 0) return { ok: false, problems: oversize };
  const parsed = tenantSchema.safeParse(input);
  if (!parsed.success)
    return { ok: false, problems: distinct(explainAll(parsed.error.issues, input)) };
  const problems = crossFieldProblems(parsed.data, context);
  return problems.length === 0 ? { ok: true, value: parsed.data } : { ok: false, problems };
}

/** Returns the first {@link PROBLEMS_MAX} or somewhat more. */
function explainAll(issues: readonly z.core.$ZodIssue[], input: unknown): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const issue of issues) {
    if (problems.length >= PROBLEMS_MAX) break;
    problems.push(...explain(issue, input));
  }
  return problems;
}

function explain(issue: z.core.$ZodIssue, input: unknown): FieldProblem[] {
  const path = issue.path.filter((step) => typeof step !== "symbol");
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => unknownField([...path, cutName(key)]));
  if (issue.code === "invalid_type" && issue.expected === "object")
    return [{ path, message: "must be a map of fields" }];
  return [{ path, message: issue.message, value: shownValue(path, input) }];
}

/** The value of an unknown field stays hidden: it may be a password under a misspelt name. */
function unknownField(path: FieldPath): FieldProblem {
  const name = String(path.at(-1));
  if (READ_ONLY_FIELDS.has(name)) return { path, message: "is set by Carpool: leave it out" };
  const [own, other] =
    path.length === 1 ? [TENANT_FIELDS, USER_FIELDS] : [USER_FIELDS, TENANT_FIELDS];
  if (other.has(name))
    return { path, message: `is a field of a ${other === USER_FIELDS ? "user" : "tenant"}` };
  const closest = closestName(name, own);
  const suggestion = closest === null ? "" : `: did you mean ${closest}?`;
  return { path, message: `is not a known field${suggestion}` };
}

function cutName(name: string): string {
  return name.length <= NAME_CHARACTERS_MAX ? name : `${name.slice(0, NAME_CHARACTERS_MAX)}…`;
}

function shownValue(path: FieldPath, input: unknown): string | undefined {
  const field = path.findLast((step) => typeof step === "string");
  if (field === undefined || NEVER_SHOWN.has(field)) return undefined;
  if (!TENANT_FIELDS.has(field) && !USER_FIELDS.has(field)) return undefined;
  return displayValue(valueAt(input, path));
}

function valueAt(input: unknown, path: FieldPath): unknown {
  let value = input;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Reflect.get(value, step);
  }
  return value;
}

/** A number that is neither whole nor in range breaks three checks of one rule. */
function distinct(problems: readonly FieldProblem[]): FieldProblem[] {
  const byText = new Map(problems.map((p) => [JSON.stringify([p.path, p.message]), p]));
  return [...byText.values()];
}
