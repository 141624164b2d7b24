/**
 * Which tenant a client means: the candidates of its startup, asked of the directory in their order.
 */

import { identifyTenant, type TenantCandidate } from "../tenants/identification.ts";
import type { StoredTenant } from "../tenants/tenant.ts";
import type { TenantDirectory } from "../tenants/tenant-directory.ts";
import { NoTenantNamedError } from "./edge-errors.ts";

export interface ResolvedTenant {
  /** Null: none of the names that the client gave is a tenant's. */
  readonly tenant: string | null;
  /** The user's name without its tenant. */
  readonly user: string;
  /** Who the client says it is, a function of its own words alone. */
  readonly claim: string;
  readonly waysTried: readonly string[];
}

export class TenantResolver {
  readonly #directory: TenantDirectory;
  readonly #defaultTenant: string | null;

  constructor(directory: TenantDirectory, defaultTenant: string | null) {
    this.#directory = directory;
    this.#defaultTenant = defaultTenant;
  }

  /** Rejects with a {@link NoTenantNamedError}, or as the directory does when the store is away. */
  async resolve(
    user: string,
    optionsReference: string | null,
    sniHostname: string | null,
  ): Promise<ResolvedTenant> {
    const { candidates, waysTried } = identifyTenant({
      user,
      optionsReference,
      sniHostname,
      defaultTenant: this.#defaultTenant,
    });
    const [first] = candidates;
    if (first === undefined) throw new NoTenantNamedError(waysTried);
    const claim = claimOf(candidates.find(({ by }) => by === "external_id") ?? first);
    for (const candidate of candidates) {
      // oxlint-disable-next-line no-await-in-loop -- in their order: the first that exists is it
      const tenant = await this.#find(candidate);
      if (tenant !== null)
        return { tenant: tenant.external_id, user: candidate.user, claim, waysTried };
    }
    return { tenant: null, user: first.user, claim, waysTried };
  }

  async #find(candidate: TenantCandidate): Promise<StoredTenant | null> {
    if (candidate.by === "external_id") {
      return (
        this.#directory.peek(candidate.externalId) ?? this.#directory.lookup(candidate.externalId)
      );
    }
    return (
      this.#directory.peekSni(candidate.hostname) ?? this.#directory.lookupSni(candidate.hostname)
    );
  }
}

/** No tenant's name has an @. */
function claimOf(candidate: TenantCandidate): string {
  const tenant = candidate.by === "external_id" ? candidate.externalId : candidate.hostname;
  return `${candidate.user}@${tenant}`;
}
