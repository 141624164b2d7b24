/**
 * Which tenant does a client mean? A pure function of what its startup said; whether there is such
 * a tenant is asked afterwards, one candidate after the other.
 */

import { isExternalId } from "./field-schemas.ts";

const HOST_NAME = /^[a-z0-9._-]{1,253}$/;
/** RFC 6066 forbids addresses as server names; some clients send them all the same. */
const ADDRESS = /^[\d.]+$/;

/** What a client said, and what is set for those who say nothing. */
export interface IdentificationInput {
  /** `user` of the StartupMessage. */
  readonly user: string;
  /** The value of `reference` in its `options`, already unescaped. */
  readonly optionsReference: string | null;
  /** The server name of its TLS ClientHello. */
  readonly sniHostname: string | null;
  /** `database` of the StartupMessage; without one, PostgreSQL takes the user's name. */
  readonly database: string | null;
  /** The setting TENANT_BY_DATABASE. */
  readonly tenantByDatabase: boolean;
  /** The setting DEFAULT_TENANT. */
  readonly defaultTenant: string | null;
}

/** A tenant to look up, and the user to look for in it. */
export type TenantCandidate =
  | { readonly by: "external_id"; readonly externalId: string; readonly user: string }
  | { readonly by: "cluster"; readonly alias: string; readonly user: string }
  /** The database's name stands for the tenant, whose `db_database` it then leads to. */
  | { readonly by: "database"; readonly externalId: string; readonly user: string }
  | { readonly by: "sni_hostname"; readonly hostname: string; readonly user: string };

export interface Identification {
  /** In the order to try; the first that exists is it. Empty: the client named no tenant. */
  readonly candidates: readonly TenantCandidate[];
  /**
   * A clause for each way to name a tenant: what it gave, or that it was not used. For the DETAIL
   * of the error, which is the same whether it is the tenant or the user that is missing. Holds
   * only what the client itself said.
   */
  readonly waysTried: readonly string[];
}

interface Way {
  readonly candidates: readonly TenantCandidate[];
  readonly tried: string;
}

/** Between user and alias, as in Supavisor. */
const CLUSTER_MARK = ".cluster.";

/**
 * - `options=reference=TENANT` wins over all, and the user is taken as it is.
 * - `USER.cluster.ALIAS`, for the tenant that the clients of a cluster are led to.
 * - `USER.TENANT`, split at the last dot: users may have dots, tenants have none.
 * - The TLS server name: whole, as a tenant's `sni_hostname`; then its first label, as a tenant.
 * - With TENANT_BY_DATABASE, the database's name, with the user as it is, dots and all.
 * - DEFAULT_TENANT, with the user as it is too.
 */
export function identifyTenant(input: IdentificationInput): Identification {
  const reference = byReference(input);
  const byName = input.tenantByDatabase ? [byDatabase(input)] : [];
  const others = [
    ...byCluster(input),
    byUserSuffix(input),
    bySni(input),
    ...byName,
    byDefault(input),
  ];
  const ways = [reference, ...(input.optionsReference === null ? others : [])];
  return {
    candidates: ways.flatMap((way) => way.candidates),
    waysTried: ways.map((way) => way.tried),
  };
}

function byReference({ optionsReference, user }: IdentificationInput): Way {
  if (optionsReference === null) return unused("options has no reference=TENANT");
  return {
    candidates: candidatesById(optionsReference, user),
    tried: isExternalId(optionsReference)
      ? `options has reference=${optionsReference}`
      : "options has a reference that cannot be a tenant's name",
  };
}

/** Seldom meant: where it is not, nothing is said of it. */
function byCluster({ user }: IdentificationInput): readonly Way[] {
  const mark = user.lastIndexOf(CLUSTER_MARK);
  const alias = user.slice(mark + CLUSTER_MARK.length);
  if (mark < 1 || !isExternalId(alias)) return [];
  return [
    {
      candidates: [{ by: "cluster", alias, user: user.slice(0, mark) }],
      tried: `the user name ends in .cluster.${alias}`,
    },
  ];
}

function byUserSuffix({ user }: IdentificationInput): Way {
  const dot = user.lastIndexOf(".");
  const suffix = user.slice(dot + 1);
  if (dot < 1 || !isExternalId(suffix)) return unused("the user name does not end in .TENANT");
  return {
    candidates: candidatesById(suffix, user.slice(0, dot)),
    tried: `the user name ends in .${suffix}`,
  };
}

function bySni({ sniHostname, user }: IdentificationInput): Way {
  const hostname = sniHostname?.toLowerCase().replace(/\.$/, "") ?? "";
  if (!HOST_NAME.test(hostname) || ADDRESS.test(hostname)) return unused("TLS named no server");
  const label = hostname.slice(0, `${hostname}.`.indexOf("."));
  return {
    candidates: [{ by: "sni_hostname", hostname, user }, ...candidatesById(label, user)],
    tried: `TLS named the server ${hostname}`,
  };
}

function byDatabase({ database, user }: IdentificationInput): Way {
  const externalId = database ?? user;
  if (!isExternalId(externalId)) return unused("the database's name cannot be a tenant's");
  return {
    candidates: [{ by: "database", externalId, user }],
    tried: `the database is ${externalId}`,
  };
}

function byDefault({ defaultTenant, user }: IdentificationInput): Way {
  if (defaultTenant === null) return unused("there is no default tenant");
  return {
    candidates: [{ by: "external_id", externalId: defaultTenant, user }],
    tried: "there is a default tenant",
  };
}

/** What can be no tenant's id is not worth a look into the store. */
function candidatesById(externalId: string, user: string): readonly TenantCandidate[] {
  return isExternalId(externalId) ? [{ by: "external_id", externalId, user }] : [];
}

function unused(tried: string): Way {
  return { candidates: [], tried };
}
