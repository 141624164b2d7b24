/**
 * What a user of a tenant may prove itself by: its secret and, while a password is being changed, the one
 * before.
 */

import { classifySecret, type Secret } from "../../auth/secret.ts";
import type { WallClock } from "../../base/wall-clock.ts";
import type { TenantUser } from "../../tenants/tenant-user.ts";

export interface UserSecrets {
  /** Null: the user has none, and nobody may log in as it. */
  readonly secret: Secret | null;
  /** Null: there is none, or its time is over. */
  readonly previous: Secret | null;
}

/** The password before, and the moment at which it ends: ISO 8601 in UTC. */
export interface PreviousSecret {
  readonly secret: Secret;
  readonly validUntil: string;
}

/** What servers are opened by, as the store has it. */
export interface StoredSecrets {
  /** Null: there is none, and only `trust` will do. */
  readonly secret: Secret | null;
  readonly previous: PreviousSecret | null;
}

export const NO_SECRETS: UserSecrets = { secret: null, previous: null };

/**
 * Returns those of `user` that hold now. Times of the store are ISO 8601 in UTC, as the clock's: they compare as
 * text. Only a password that is being changed has one look at it, which costs more than half a microsecond.
 */
export function userSecrets(user: TenantUser, wallClock: WallClock): UserSecrets {
  const { db_password, db_password_previous, previous_valid_until: until } = user;
  const holds = until !== null && wallClock.iso() < until;
  return {
    secret: secretOf(db_password),
    previous: holds ? secretOf(db_password_previous) : null,
  };
}

/** Tells whether who has proven `secret` may be taken for a user with `secrets`. */
export function includesSecret(
  { secret: present, previous }: UserSecrets,
  secret: Secret,
): boolean {
  return sameSecret(present, secret) || sameSecret(previous, secret);
}

/** Tells whether both are the same text of a store. */
export function sameSecret(one: Secret | null, other: Secret | null): boolean {
  return Bun.deepEquals(one, other, true);
}

/** Returns those of `user` as servers are opened by them, whatever time it is. */
export function storedSecrets(user: TenantUser): StoredSecrets {
  const secret = secretOf(user.db_password);
  const previous = secretOf(user.db_password_previous);
  const { previous_valid_until: validUntil } = user;
  if (previous === null || validUntil === null) return { secret, previous: null };
  return { secret, previous: { secret: previous, validUntil } };
}

/** Returns what the text of a store is. */
export function secretOf(text: string | null): Secret | null {
  return text === null ? null : classifySecret(text);
}
