/**
 * A worker's part in the limits of clients that hold over several workers: knows how many clients are here,
 * asks the supervisor for those of covered tenants, and tells it when they leave.
 */

import type { Clock } from "../base/clock.ts";
import type { SupervisorPort } from "../cluster/control-port.ts";
import type { ClientCensus, ClientPlace, PlaceLimits } from "../proxy/client/client-census.ts";
import { ConnectionRateError } from "../proxy/login/connection-rates.ts";
import {
  TooManyClientsError,
  TooManyPoolsError,
  TooManyTenantClientsError,
} from "../proxy/proxy-errors.ts";
import type { StoredTenant } from "../tenants/tenant.ts";
import { beginAnswer, CLIENTS, enterAnswer } from "./client-messages.ts";
import { LateAnswerError, SupervisorSilentError } from "./supervisor-silent-error.ts";

/** Clients of one place. */
interface Count {
  readonly place: ClientPlace;
  clients: number;
}

/** Clients of one tenant. */
interface TenantCounts {
  /** Whether the supervisor counts them, too. */
  covered: boolean;
  /** Clients that are being let in. */
  entering: number;
  readonly places: Map<string, Count>;
}

/** A client that has waited for so long may as well try again. The supervisor answers from memory. */
const ANSWER_TIMEOUT_MS = 5000;

/** An answer is waited for as long as there is a supervisor: a place that comes too late is given back. */
const REQUEST_TIMEOUT_MS = 3_600_000;

export class SharedClients implements ClientCensus {
  readonly #supervisor: SupervisorPort;
  readonly #clock: Clock;
  readonly #hasSeveralOwners: (tenant: StoredTenant) => boolean;
  readonly #tenants = new Map<string, TenantCounts>();
  /** Who has left in this turn, to be told in one notice. */
  readonly #left = new Map<string, Count>();

  /** @param hasSeveralOwners whether clients of the tenant may be at several workers */
  constructor(
    supervisor: SupervisorPort,
    clock: Clock,
    hasSeveralOwners: (tenant: StoredTenant) => boolean,
  ) {
    this.#supervisor = supervisor;
    this.#clock = clock;
    this.#hasSeveralOwners = hasSeveralOwners;
  }

  covers(tenant: StoredTenant): boolean {
    return this.#hasSeveralOwners(tenant);
  }

  async begin(tenant: string, rate: number): Promise<void> {
    const body = { tenant, rate };
    const asked = this.#supervisor.request(`${CLIENTS}.begin`, body, ANSWER_TIMEOUT_MS);
    const { waitMs } = beginAnswer.parse(await asked.catch(silent));
    if (waitMs > 0) throw new ConnectionRateError(rate, waitMs);
  }

  async enter(place: ClientPlace, limits: PlaceLimits): Promise<ClientPlace> {
    const tenant = this.#cover(place.tenant);
    this.#flush(); // who has left before this makes room for it
    tenant.entering += 1;
    const asked = this.#ask(place, limits);
    try {
      const refusal = await this.#inTime(asked);
      if (refusal !== null) throw refusal;
      // Where the tenant was not covered for a moment, the supervisor has forgotten its clients.
      return tenant.covered ? this.#count(place) : this.#join(place);
    } catch (error) {
      if (error instanceof LateAnswerError) void this.#giveBackLater(asked, place, tenant);
      throw error;
    } finally {
      tenant.entering -= 1;
      this.#sweep(place.tenant);
    }
  }

  join(place: ClientPlace, tenant: StoredTenant): ClientPlace {
    if (this.#hasSeveralOwners(tenant)) this.#cover(place.tenant);
    return this.#join(place);
  }

  leave(place: ClientPlace): void {
    const tenant = this.#tenants.get(place.tenant);
    const key = keyOf(place);
    const count = tenant?.places.get(key);
    if (tenant === undefined || count === undefined) return;
    count.clients -= 1;
    if (count.clients === 0) tenant.places.delete(key);
    if (tenant.covered) this.#tellLeft(place);
    this.#sweep(place.tenant);
  }

  follow(tenantId: string, tenant: StoredTenant | null): void {
    const covered = tenant !== null && this.#hasSeveralOwners(tenant);
    if (covered) this.#cover(tenantId);
    else this.#uncover(tenantId);
  }

  /** From now on, the supervisor counts the tenant's clients: it is told of those that are here. */
  #cover(tenantId: string): TenantCounts {
    const tenant = this.#tenantOf(tenantId);
    if (tenant.covered) return tenant;
    tenant.covered = true;
    if (tenant.places.size > 0)
      this.#supervisor.notify(`${CLIENTS}.census`, {
        tenant: tenantId,
        counts: Array.from(tenant.places.values(), told),
      });
    return tenant;
  }

  /** From now on, the supervisor does not count them: it forgets who is here, or is being let in. */
  #uncover(tenantId: string): void {
    const tenant = this.#tenants.get(tenantId);
    if (tenant?.covered !== true) return;
    this.#flush();
    this.#supervisor.notify(`${CLIENTS}.census`, { tenant: tenantId, counts: [] });
    tenant.covered = false; // for those who are on the way
    this.#tenants.set(tenantId, { covered: false, entering: 0, places: tenant.places });
    this.#sweep(tenantId);
  }

  #tenantOf(tenantId: string): TenantCounts {
    const known = this.#tenants.get(tenantId);
    if (known !== undefined) return known;
    const tenant = { covered: false, entering: 0, places: new Map<string, Count>() };
    this.#tenants.set(tenantId, tenant);
    return tenant;
  }

  /** Of whom there is nobody, here or on the way, nothing is kept. */
  #sweep(tenantId: string): void {
    const tenant = this.#tenants.get(tenantId);
    if (tenant?.entering === 0 && tenant.places.size === 0) this.#tenants.delete(tenantId);
  }

  #count(place: ClientPlace): ClientPlace {
    const { places } = this.#tenantOf(place.tenant);
    const key = keyOf(place);
    const known = places.get(key) ?? { place, clients: 0 };
    places.set(key, known);
    known.clients += 1;
    return known.place;
  }

  #join(place: ClientPlace): ClientPlace {
    const joined = this.#count(place);
    if (this.#tenants.get(place.tenant)?.covered === true)
      this.#supervisor.notify(`${CLIENTS}.joined`, [{ ...place, clients: 1 }]);
    return joined;
  }

  /** Resolves with why there is no room; null: there was, and it is taken. */
  async #ask(place: ClientPlace, limits: PlaceLimits): Promise<Error | null> {
    const { tenant, alias, pool } = place;
    const body = { place: { tenant, alias, pool }, limits };
    const asked = this.#supervisor.request(`${CLIENTS}.enter`, body, REQUEST_TIMEOUT_MS);
    const { refusal } = enterAnswer.parse(await asked.catch(silent));
    if (refusal === null) return null;
    const { limit, current, max } = refusal;
    if (limit === "tenant") return new TooManyTenantClientsError(current, max);
    if (limit === "user") return new TooManyClientsError(current, max);
    return new TooManyPoolsError(current, max);
  }

  async #inTime<Answer>(asked: Promise<Answer>): Promise<Answer> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = this.#clock.after(ANSWER_TIMEOUT_MS, () => reject(new LateAnswerError()));
    try {
      return await Promise.race([asked, promise]);
    } finally {
      timer.cancel();
    }
  }

  /** The client was told to come again: if it has a place after all, somebody else may have it. */
  async #giveBackLater(
    asked: Promise<Error | null>,
    place: ClientPlace,
    tenant: TenantCounts,
  ): Promise<void> {
    const refusal = await asked.catch((error: unknown) => error);
    if (refusal === null && tenant.covered) this.#tellLeft(place);
  }

  /** All who leave in one turn of the event loop are told of together. */
  #tellLeft(place: ClientPlace): void {
    if (this.#left.size === 0) setImmediate(() => this.#flush());
    const key = JSON.stringify([place.tenant, place.alias, place.pool]);
    const known = this.#left.get(key);
    if (known === undefined) this.#left.set(key, { place, clients: 1 });
    else known.clients += 1;
  }

  #flush(): void {
    if (this.#left.size === 0) return;
    const counts = Array.from(this.#left.values(), told);
    this.#left.clear();
    this.#supervisor.notify(`${CLIENTS}.left`, counts);
  }
}

function told({ place, clients }: Count): ClientPlace & { readonly clients: number } {
  return { ...place, clients };
}

function keyOf({ alias, pool }: ClientPlace): string {
  return JSON.stringify([alias, pool]);
}

function silent(cause: unknown): never {
  throw new SupervisorSilentError(cause instanceof Error ? cause.message : String(cause));
}
