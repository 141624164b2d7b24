/**
 * Which tenant a client means: the candidates of its startup, asked of the directory in their order.
 */

import { assert } from "../base/assert.ts";
import {
  type Identification,
  type IdentificationInput,
  identifyTenant,
  type TenantCandidate,
} from "../tenants/identification.ts";
import type { StoredTenant } from "../tenants/tenant.ts";
import type { TenantDirectory } from "../tenants/tenant-directory.ts";
import { NoTenantNamedError } from "./edge-errors.ts";

export interface ResolvedTenant {
  /** Null: none of the names that the client gave is a tenant's. */
  readonly tenant: string | null;
  /** Whether the database that the client names stood for the tenant. */
  readonly byDatabase: boolean;
  /** The user's name without its tenant. */
  readonly user: string;
  /** Who the client says it is, a function of its own words alone. */
  readonly claim: string;
  readonly waysTried: readonly string[];
}

/** What a client said of itself. */
export type ClientNames = Omit<IdentificationInput, keyof UnnamedTenants>;

/** What is set for clients that name no tenant as such. */
export type UnnamedTenants = Pick<IdentificationInput, "tenantByDatabase" | "defaultTenant">;

export class TenantResolver {
  readonly #directory: TenantDirectory;
  readonly #unnamed: UnnamedTenants;

  constructor(directory: TenantDirectory, unnamed: UnnamedTenants) {
    this.#directory = directory;
    this.#unnamed = unnamed;
  }

  /**
   * Returns what the client means as far as memory knows, null where the store has to be asked:
   * {@link resolve}. Throws a {@link NoTenantNamedError}.
   */
  peek(names: ClientNames): ResolvedTenant | null {
    const identification = this.#identify(names);
    for (const candidate of identification.candidates) {
      const tenant = this.#peek(candidate);
      if (tenant === undefined) return null;
      if (tenant !== null) return resolved(identification, tenant, candidate);
    }
    return resolved(identification, null, null);
  }

  /** Rejects with a {@link NoTenantNamedError}, or as the directory does when the store is away. */
  async resolve(names: ClientNames): Promise<ResolvedTenant> {
    const identification = this.#identify(names);
    for (const candidate of identification.candidates) {
      // oxlint-disable-next-line no-await-in-loop -- in their order: the first that exists is it
      const tenant = this.#peek(candidate) ?? (await this.#lookup(candidate));
      if (tenant !== null) return resolved(identification, tenant, candidate);
    }
    return resolved(identification, null, null);
  }

  #identify(names: ClientNames): Identification {
    const { tenantByDatabase, defaultTenant } = this.#unnamed;
    const identification = identifyTenant({ ...names, tenantByDatabase, defaultTenant });
    if (identification.candidates.length === 0)
      throw new NoTenantNamedError(identification.waysTried);
    return identification;
  }

  #peek(candidate: TenantCandidate): StoredTenant | null | undefined {
    const directory = this.#directory;
    switch (candidate.by) {
      case "external_id":
      case "database":
        return directory.peek(candidate.externalId);
      case "cluster":
        return directory.peekCluster(candidate.alias);
      case "sni_hostname":
        return directory.peekSni(candidate.hostname);
      default:
        return candidate satisfies never;
    }
  }

  #lookup(candidate: TenantCandidate): Promise<StoredTenant | null> {
    const directory = this.#directory;
    switch (candidate.by) {
      case "external_id":
      case "database":
        return directory.lookup(candidate.externalId);
      case "cluster":
        return directory.lookupCluster(candidate.alias);
      case "sni_hostname":
        return directory.lookupSni(candidate.hostname);
      default:
        return candidate satisfies never;
    }
  }
}

/** @param found null: none of the candidates is a tenant */
function resolved(
  { candidates, waysTried }: Identification,
  found: StoredTenant | null,
  candidate: TenantCandidate | null,
): ResolvedTenant {
  const first = candidates[0];
  assert(first !== undefined, "the client named a tenant");
  const claimed = candidates.find(({ by }) => by !== "sni_hostname") ?? first;
  const { user } = candidate ?? first;
  const byDatabase = candidate?.by === "database";
  return {
    tenant: found?.external_id ?? null,
    byDatabase,
    user,
    claim: claimOf(claimed),
    waysTried,
  };
}

/** No tenant's name has an @. */
function claimOf(candidate: TenantCandidate): string {
  switch (candidate.by) {
    case "external_id":
    case "database":
      return `${candidate.user}@${candidate.externalId}`;
    case "cluster":
      return `${candidate.user}@cluster.${candidate.alias}`;
    case "sni_hostname":
      return `${candidate.user}@${candidate.hostname}`;
    default:
      return candidate satisfies never;
  }
}
