/**
 * Whether there is room at this worker for one more client of a tenant, and of its user.
 */

import type { StoredTenant } from "../../tenants/tenant.ts";
import type { TenantDirectory } from "../../tenants/tenant-directory.ts";
import type { Admission } from "../login/admission.ts";
import type { NativeClients } from "../native/native-clients.ts";
import type { PoolRegistry } from "../pools/pool-registry.ts";
import { TooManyClientsError, TooManyTenantClientsError } from "../proxy-errors.ts";
import type { PlaceLimits } from "./client-census.ts";
import type { TenantClients } from "./tenant-clients.ts";

export interface ClientRoomParts {
  readonly admission: Admission;
  readonly directory: TenantDirectory;
  readonly pools: PoolRegistry;
}

export class ClientRoom {
  readonly #parts: ClientRoomParts;
  readonly #natives: NativeClients;
  readonly #tenantClients: TenantClients;

  constructor(parts: ClientRoomParts, natives: NativeClients, tenantClients: TenantClients) {
    this.#parts = parts;
    this.#natives = natives;
    this.#tenantClients = tenantClients;
  }

  /** Throws where the tenant, by its record of now, is banned, or it or the user has as many clients as it may. */
  expect(known: StoredTenant, alias: string): void {
    const { admission, directory, pools } = this.#parts;
    const tenant = directory.peek(known.external_id) ?? known;
    admission.checkBan(tenant);
    const all = this.#tenantClients.of(tenant.external_id);
    const { max_client_connections: allMax } = tenant;
    if (allMax !== null && all >= allMax) throw new TooManyTenantClientsError(all, allMax);
    const clientsMax = clientsMaxOf(tenant, alias);
    const natives = this.#natives.of({ tenant: tenant.external_id, alias });
    const clients = natives + pools.clientsOf(tenant.external_id, alias);
    if (clients >= clientsMax) throw new TooManyClientsError(clients, clientsMax);
  }

  /** What the tenant's record allows. */
  limits(tenant: StoredTenant, alias: string): PlaceLimits {
    return {
      tenantMax: tenant.max_client_connections,
      userMax: clientsMaxOf(tenant, alias),
      poolsMax: this.#parts.pools.poolsMax(tenant),
    };
  }
}

/** The most clients that a user may have, by the name it logs in with. */
function clientsMaxOf(tenant: StoredTenant, alias: string): number {
  const user = tenant.users.find(({ db_user_alias }) => db_user_alias === alias);
  return user?.max_clients ?? tenant.default_max_clients;
}
