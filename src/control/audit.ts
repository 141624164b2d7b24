/**
 * What is left of every change: who did it, from where, to what, and each field before and after.
 * Secrets are named, never shown.
 */

import { HIDDEN_FIELDS } from "./hidden-fields.ts";
import type { FieldDifference, TenantDifference, UserDifference } from "./tenant-plan.ts";

/** Who changes something. */
export interface Actor {
  /** The subject of a token, or the user of the machine where a command ran. */
  readonly name: string;
  /** Where the request came from; null: this machine. */
  readonly address: string | null;
}

export interface AuditRecord {
  readonly actor: Actor;
  /** `tenant.create`, `tenant.terminate`, … */
  readonly action: string;
  /** The name of what was changed. */
  readonly subject: string;
  readonly changes: readonly AuditedChange[];
}

/** `field` is a path: `default_pool_size`, `users.app.pool_size`. */
export type AuditedChange =
  | { readonly field: string; readonly before?: unknown; readonly after?: unknown }
  | { readonly field: string; readonly hidden: true };

/** Where records go. */
export interface AuditLog {
  write(record: AuditRecord): void;
}

/** A line stays below what log collectors take: a tenant may have thousands of users. */
const CHANGES_MAX = 200;

/** Returns the record of what was done to one tenant. */
export function tenantAudit(actor: Actor, difference: TenantDifference): AuditRecord {
  const { kind, externalId } = difference;
  const changes =
    kind === "delete"
      ? []
      : [...difference.fields.flatMap((field) => change("", field)), ...userChanges(difference)];
  return { actor, action: `tenant.${kind}`, subject: externalId, changes: cut(changes) };
}

function userChanges({ users }: { readonly users: readonly UserDifference[] }): AuditedChange[] {
  return users.flatMap((user): AuditedChange[] => {
    const field = `users.${user.alias}`;
    if (user.kind === "delete") return [{ field, before: "(user)", after: null }];
    return user.fields.flatMap((one) => change(`${field}.`, one));
  });
}

/** Of what is created, fields without a value say nothing. */
function change(prefix: string, difference: FieldDifference): AuditedChange[] {
  const field = `${prefix}${difference.field}`;
  const isNew = !("before" in difference);
  if (isNew && difference.after === null) return [];
  if (HIDDEN_FIELDS.has(difference.field)) return [{ field, hidden: true }];
  return isNew
    ? [{ field, after: difference.after }]
    : [{ field, before: difference.before, after: difference.after }];
}

function cut(changes: readonly AuditedChange[]): readonly AuditedChange[] {
  if (changes.length <= CHANGES_MAX) return changes;
  const more = changes.length - CHANGES_MAX;
  return [...changes.slice(0, CHANGES_MAX), { field: `(and ${more} more)` }];
}
