/**
 * Where tenants are kept. One contract, whatever the engine: `test/tenants/tenant-store-contract.ts`.
 * Passwords come out in plain text; sealing them is the store's own business.
 */

import type { Cluster } from "./cluster.ts";
import type { ClusterStore } from "./cluster-store.ts";
import type { StoredTenant, Tenant } from "./tenant.ts";

/** Puts a tenant with all its users in place of what there was, or takes it away with them. */
export type TenantChange =
  | { readonly kind: "put"; readonly tenant: Tenant }
  | { readonly kind: "delete"; readonly externalId: string };

/** The state of the whole store. Equal tokens: nothing was written in between. */
export type ChangeToken = string;

/** Everything that was put or deleted since a token; "all" if that can no longer be told. */
export interface ChangesSince {
  readonly token: ChangeToken;
  readonly externalIds: readonly string[] | "all";
}

/** A page of {@link TenantStore.list}, in the order of `external_id`. */
export interface ListPage {
  /** Only tenants behind this `external_id`. */
  readonly after: string | null;
  /** At most this many. */
  readonly limit: number;
  /** Only those with this in their name, host or database, in upper or lower case; null: all. */
  readonly search?: string | null;
  /** Only those that are banned now, or only those that are not; null: all. */
  readonly banned?: boolean | null;
}

/** Another tenant has the `sni_hostname`. Nothing was written. */
export class SniHostnameTakenError extends Error {
  override readonly name = "SniHostnameTakenError";
  readonly hostname: string;
  readonly externalId: string;

  constructor(hostname: string, externalId: string) {
    super(`sni_hostname ${hostname} belongs to tenant ${externalId}`);
    this.hostname = hostname;
    this.externalId = externalId;
  }
}

/** Somebody else wrote one of the tenants after the token that a write was based on. Nothing was written. */
export class StoreMovedError extends Error {
  override readonly name = "StoreMovedError";

  constructor() {
    super("the tenants were changed by somebody else in the meantime");
  }
}

export interface TenantStore {
  readonly clusters: ClusterStore;
  /** Returns the tenant with its users, sorted by alias, or null. */
  get(externalId: string): Promise<StoredTenant | null>;
  /** Returns those of `externalIds` that exist, in no particular order. */
  getMany(externalIds: readonly string[]): Promise<readonly StoredTenant[]>;
  /** Returns the tenant whose `sni_hostname` is `hostname`, which is in lower case, or null. */
  findBySni(hostname: string): Promise<StoredTenant | null>;
  /** Returns whose the host names are: `external_id` by host name, for those that are taken. */
  hostnameOwners(hostnames: readonly string[]): Promise<ReadonlyMap<string, string>>;
  list(page: ListPage): Promise<readonly StoredTenant[]>;
  /**
   * Does all of `changes` or, if it throws, none; at most one change per tenant. With `base`,
   * only if none of these tenants was written since. Deleting what does not exist is no error.
   * With `clusters`, these are put after the tenants, or nothing is.
   * Throws {@link SniHostnameTakenError}, {@link StoreMovedError}, ClusterMemberError.
   */
  write(
    changes: readonly TenantChange[],
    base?: ChangeToken,
    clusters?: readonly Cluster[],
  ): Promise<void>;
  /** Cheap enough to be asked several times a second; sees what other processes wrote. */
  changeToken(): Promise<ChangeToken>;
  changedSince(token: ChangeToken): Promise<ChangesSince>;
  /** Nothing may be asked afterwards. */
  close(): Promise<void>;
}

/** Yields every tenant in the order of `external_id`, a page in memory at a time. */
export async function* allTenants(
  store: TenantStore,
  pageSize = 500,
): AsyncGenerator<StoredTenant> {
  let after: string | null = null;
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- a page begins where the last one ended
    const page: readonly StoredTenant[] = await store.list({ after, limit: pageSize });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) return;
    after = last.external_id;
  }
}
