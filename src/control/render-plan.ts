/**
 * A plan as people read it: `+` is created, `~` changed, `-` deleted. No secret is ever in it.
 */

import { HIDDEN_FIELDS } from "./hidden-fields.ts";
import type { FieldDifference, TenantDifference, UserDifference } from "./tenant-plan.ts";

const SIGNS = { create: "+", update: "~", delete: "-" } as const;

/** Returns a block of lines for each tenant, and a last line that counts them. */
export function renderPlan(differences: readonly TenantDifference[]): string {
  const count = (kind: TenantDifference["kind"]) =>
    differences.filter((difference) => difference.kind === kind).length;
  const summary = `${count("create")} to create, ${count("update")} to change, ${count("delete")} to delete`;
  return [...differences.flatMap(renderTenant), summary].join("\n");
}

function renderTenant(difference: TenantDifference): string[] {
  const title = `${SIGNS[difference.kind]} tenant ${difference.externalId}`;
  if (difference.kind === "delete") return [title];
  const lines = [...renderFields(difference.fields), ...difference.users.flatMap(renderUser)];
  return [title, ...lines.map(indent)];
}

function renderUser(difference: UserDifference): string[] {
  const title = `${SIGNS[difference.kind]} user ${difference.alias}`;
  if (difference.kind === "delete") return [title];
  return [title, ...renderFields(difference.fields).map(indent)];
}

/** Of what is created, fields without a value say nothing. */
function renderFields(fields: readonly FieldDifference[]): string[] {
  return fields.flatMap((difference) => {
    const { field, after } = difference;
    if (!("before" in difference))
      return after === null ? [] : [`+ ${field}: ${shown(field, after, "(set)")}`];
    if (HIDDEN_FIELDS.has(field)) return [`~ ${field}: (changed)`];
    return [`~ ${field}: ${JSON.stringify(difference.before)} → ${JSON.stringify(after)}`];
  });
}

function shown(field: string, value: unknown, instead: string): string {
  return HIDDEN_FIELDS.has(field) ? instead : JSON.stringify(value);
}

function indent(line: string): string {
  return `    ${line}`;
}
