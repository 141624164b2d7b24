/**
 * A limit that is kept without asking anybody, where several workers own a tenant: each has its part.
 */

import type { StoredTenant } from "../../tenants/tenant.ts";

/** The place of this worker among the owners of a tenant. */
export interface OwnerPlace {
  /** From 0. A worker that is no owner has the place behind the last. */
  readonly index: number;
  /** How many may own the tenant, at least one. */
  readonly owners: number;
}

/** Returns the place of this worker among those that may own `tenant`. */
export type OwnerPlaceOf = (tenant: StoredTenant) => OwnerPlace;

/** What a worker has that is alone. */
export const ONLY_OWNER: OwnerPlace = { index: 0, owners: 1 };

/** Returns the part of `total`, a whole number, that falls to the owner at this place. All parts add up to `total`. */
export function ownersShare(total: number, { index, owners }: OwnerPlace): number {
  if (index >= owners) return 0;
  return Math.floor(total / owners) + (index < total % owners ? 1 : 0);
}
