/**
 * The latest failures of each tenant, for who looks at it: refused logins, and servers that could not be
 * opened. Texts are those that clients are told: no secret is in them.
 */

import { LruMap } from "../base/lru-map.ts";
import type { PoolerError } from "../base/pooler-error.ts";
import type { WallClock } from "../base/wall-clock.ts";

/** Which side failed. */
export type FailedSide = "client" | "server";

export interface TenantError {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly sqlstate: string;
  readonly message: string;
  readonly where: FailedSide;
}

const ERRORS_MAX = 10;

/** A tenant whose errors are older than those of so many others has none. */
const TENANTS_MAX = 10_000;

export class LastErrors {
  readonly #wallClock: WallClock;
  readonly #tenants = new LruMap<string, TenantError[]>(TENANTS_MAX);

  constructor(wallClock: WallClock) {
    this.#wallClock = wallClock;
  }

  note(tenant: string, where: FailedSide, { sqlstate, message }: PoolerError): void {
    const errors = this.#tenants.get(tenant) ?? [];
    errors.unshift({ at: this.#wallClock.iso(), sqlstate, message, where });
    errors.length = Math.min(errors.length, ERRORS_MAX);
    this.#tenants.set(tenant, errors);
  }

  /** Returns those of a tenant, the newest first, ten at most. */
  of(tenant: string): readonly TenantError[] {
    return [...(this.#tenants.get(tenant) ?? [])];
  }
}
