/**
 * The servers of this process, as those who may have to end them know them: should the process die, what they
 * run is cancelled by the supervisor, since PostgreSQL goes on with a query whose client is gone.
 */

import { encodeBase64 } from "../../auth/base64.ts";
import type { Permits } from "../../pool/permits.ts";
import type { CancelKey } from "../../wire/cancel-key.ts";
import type { ServerAddress } from "./server-address.ts";

/** Where a server is, and by what it is cancelled. JSON. */
export interface ServerWhereabouts {
  readonly hostname: string;
  readonly port: number;
  readonly ipVersion: ServerAddress["ipVersion"];
  /** Null: no TLS. The authorities to trust stand in the tenant's record. */
  readonly verification: NonNullable<ServerAddress["tls"]>["verification"] | null;
  readonly processId: number;
  /** In base64. */
  readonly secretKey: string;
}

export class OpenedServers {
  readonly #permits: Permits | null;
  /** Of its pool. */
  readonly #name: string;
  readonly #resources = new Map<object, number>();

  /** @param permits null: nobody else has to know */
  constructor(permits: Permits | null, name: string) {
    this.#permits = permits;
    this.#name = name;
  }

  /** A server without a key can't be cancelled. */
  opened(server: object, address: ServerAddress, key: CancelKey | null): void {
    if (this.#permits === null || key === null) return;
    const where = whereabouts(address, key);
    this.#resources.set(server, this.#permits.opened(this.#name, where));
  }

  /** A no-op for one that nobody was told of. */
  gone(server: object): void {
    const resource = this.#resources.get(server);
    if (resource === undefined) return;
    this.#resources.delete(server);
    this.#permits?.closed(resource);
  }
}

function whereabouts(address: ServerAddress, key: CancelKey): ServerWhereabouts {
  const { hostname, port, ipVersion, tls } = address;
  const { processId, secretKey } = key;
  const verification = tls?.verification ?? null;
  return { hostname, port, ipVersion, verification, processId, secretKey: encodeBase64(secretKey) };
}
