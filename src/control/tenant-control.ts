/**
 * The operator's verbs on tenants, for the API: each reads, checks, writes and leaves an audit record.
 * Of one process the writes come one after the other; where another process was faster, the verb begins
 * again with what that one wrote.
 */

import type { WallClock } from "../base/wall-clock.ts";
import type { StoredTenant, Tenant } from "../tenants/tenant.ts";
import type { ValidationContext } from "../tenants/tenant-rules.ts";
import {
  type ListPage,
  SniHostnameTakenError,
  StoreMovedError,
  type TenantStore,
} from "../tenants/tenant-store.ts";
import { validateTenant } from "../tenants/validate-tenant.ts";
import { type Actor, type AuditLog, tenantAudit } from "./audit.ts";
import { banTenant } from "./ban-tenant.ts";
import {
  HostnameTakenError,
  InvalidFieldsError,
  StoreAwayError,
  TenantNotFoundError,
} from "./control-errors.ts";
import { mergeTenant } from "./merge-tenant.ts";
import { type PublicTenant, toPublicTenant } from "./public-tenant.ts";
import { rotateCredentials } from "./rotate-credentials.ts";
import { compareTenants } from "./tenant-plan.ts";

export interface TenantControlParts {
  readonly store: TenantStore;
  readonly audit: AuditLog;
  readonly wallClock: WallClock;
  readonly context: ValidationContext;
}

/** What became of a tenant that was put. */
export interface PutTenant {
  /** Unchanged: nothing was written, and no pool hears of it. */
  readonly outcome: "created" | "updated" | "unchanged";
  readonly tenant: PublicTenant;
}

export interface TenantPage {
  readonly tenants: readonly PublicTenant[];
  /** The `after` of the next page; null: this was the last. */
  readonly next: string | null;
}

/** Makes of what there is what there shall be. Called again if somebody else wrote in between. */
type Revise = (stored: StoredTenant | null) => Tenant;

/** Others who write at the same moment get in between now and then; so often in a row, nobody does. */
const ATTEMPTS_MAX = 20;

export class TenantControl {
  readonly #store: TenantStore;
  readonly #audit: AuditLog;
  readonly #wallClock: WallClock;
  readonly #context: ValidationContext;
  /** The write under way, and all before it. Never rejects. */
  #writes: Promise<unknown> = Promise.resolve();

  constructor(parts: TenantControlParts) {
    this.#store = parts.store;
    this.#audit = parts.audit;
    this.#wallClock = parts.wallClock;
    this.#context = parts.context;
  }

  /** Returns a page of tenants in the order of their names. All verbs reject with a StoreAwayError where the store is away. */
  async list(page: ListPage): Promise<TenantPage> {
    const found = await this.#ask(() => this.#store.list({ ...page, limit: page.limit + 1 }));
    const tenants = found.slice(0, page.limit).map(toPublicTenant);
    const more = found.length > page.limit;
    return { tenants, next: more ? (tenants.at(-1)?.external_id ?? null) : null };
  }

  /** Rejects with a {@link TenantNotFoundError}. */
  async get(externalId: string): Promise<PublicTenant> {
    return toPublicTenant(await this.#stored(externalId));
  }

  /**
   * Makes the tenant, or changes the fields that `input` names; see `merge-tenant.ts`. Rejects with
   * InvalidFieldsError or HostnameTakenError.
   */
  put(actor: Actor, externalId: string, input: unknown): Promise<PutTenant> {
    return this.#change(actor, externalId, (stored) => {
      const validated = validateTenant(mergeTenant(externalId, input, stored), this.#context);
      if (!validated.ok) throw new InvalidFieldsError(validated.problems);
      return validated.value;
    });
  }

  /** Bans the tenant or lifts its ban, as `input` says; see `ban-tenant.ts`. */
  async setBan(actor: Actor, externalId: string, input: unknown): Promise<PublicTenant> {
    const now = this.#wallClock.iso();
    const { tenant } = await this.#change(actor, externalId, (stored) => {
      if (stored === null) throw new TenantNotFoundError(externalId);
      return banTenant(stored, input, now);
    });
    return tenant;
  }

  /**
   * Gives a role of the tenant the password of `input`, beside which the old one holds for a time; see
   * `rotate-credentials.ts`. Rejects with TenantNotFoundError or InvalidFieldsError.
   */
  async updateCredentials(actor: Actor, externalId: string, input: unknown): Promise<void> {
    const now = this.#wallClock.iso();
    await this.#change(actor, externalId, (stored) => {
      if (stored === null) throw new TenantNotFoundError(externalId);
      return rotateCredentials(stored, input, now);
    });
  }

  /** Deletes the tenant; its clients and pools end. Rejects with a {@link TenantNotFoundError}. */
  delete(actor: Actor, externalId: string): Promise<void> {
    return this.#inTurn(async () => {
      await this.#stored(externalId);
      await this.#ask(() => this.#store.write([{ kind: "delete", externalId }]));
      this.#audit.write(tenantAudit(actor, { kind: "delete", externalId }));
    });
  }

  #change(actor: Actor, externalId: string, revise: Revise): Promise<PutTenant> {
    return this.#inTurn(async () => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          // oxlint-disable-next-line no-await-in-loop -- again only if somebody else came between
          return await this.#tryChange(actor, externalId, revise);
        } catch (error) {
          if (!(error instanceof StoreMovedError)) throw error;
          if (attempt === ATTEMPTS_MAX) throw new StoreAwayError(error);
        }
      }
    });
  }

  async #tryChange(actor: Actor, externalId: string, revise: Revise): Promise<PutTenant> {
    const base = await this.#ask(() => this.#store.changeToken());
    const stored = await this.#ask(() => this.#store.get(externalId));
    const tenant = revise(stored);
    const difference = compareTenants(stored, tenant);
    if (stored !== null && difference === null)
      return { outcome: "unchanged", tenant: toPublicTenant(stored) };
    await this.#ask(() => this.#store.write([{ kind: "put", tenant }], base));
    if (difference !== null) this.#audit.write(tenantAudit(actor, difference));
    const written = await this.#stored(externalId);
    return {
      outcome: stored === null ? "created" : "updated",
      tenant: toPublicTenant(written),
    };
  }

  async #stored(externalId: string): Promise<StoredTenant> {
    const stored = await this.#ask(() => this.#store.get(externalId));
    if (stored === null) throw new TenantNotFoundError(externalId);
    return stored;
  }

  /** What the store refuses has a class of its own; anything else is that it is away. */
  async #ask<Answer>(question: () => Promise<Answer>): Promise<Answer> {
    try {
      return await question();
    } catch (error) {
      if (error instanceof StoreMovedError) throw error;
      if (error instanceof SniHostnameTakenError)
        throw new HostnameTakenError(error.hostname, error.externalId);
      throw new StoreAwayError(error);
    }
  }

  #inTurn<Result>(write: () => Promise<Result>): Promise<Result> {
    const turn = this.#writes.then(write);
    this.#writes = turn.catch(() => undefined);
    return turn;
  }
}
