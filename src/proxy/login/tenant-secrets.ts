/**
 * The secrets of one tenant's roles, as its `auth_query` tells them: asked for at each login, and kept for when
 * PostgreSQL can't be asked. What is kept is refreshed in the background for as long as clients log in.
 *
 * Only what PostgreSQL has confirmed is kept: a flood of names that nobody has takes no room from those of real
 * users.
 */

import { LruMap } from "../../base/lru-map.ts";
import type { PoolerError } from "../../base/pooler-error.ts";
import { Alarm, type Ticker } from "../../pool/ticker.ts";
import { AuthQueryTimeoutError } from "../../session/login/auth-query-errors.ts";
import type { AuthQueryOutcome } from "../../session/login/auth-query-reply.ts";
import type { AuthQueryEnvironment, AuthQueryRecipe } from "./auth-query-connection.ts";
import { AuthQueryLookups } from "./auth-query-lookups.ts";

/** Roles of a tenant that are kept, some 300 bytes each. */
const ROLES_MAX = 5000;
/** How long a secret is good while PostgreSQL can't be asked: Supavisor's. */
const STALE_MS = 86_400_000;
/** How often what is kept is asked for again. */
const REFRESH_MS = 60_000;
/** So long a login with a secret that is kept waits, where PostgreSQL could not be asked the last time. */
const WAIT_WHILE_FAILING_MS = 1000;

export interface TenantSecretsEnvironment extends AuthQueryEnvironment {
  readonly ticker: Ticker;
}

interface KeptSecret {
  readonly text: string;
  /** When PostgreSQL said so. */
  readonly confirmedMs: number;
  /** A login has failed by it since: the next one asks, however long it would be good. */
  readonly doubtful: boolean;
}

export class TenantSecrets {
  readonly #environment: TenantSecretsEnvironment;
  readonly #kept = new LruMap<string, KeptSecret>(ROLES_MAX);
  readonly #alarm: Alarm;
  #lookups: AuthQueryLookups;
  /** When the last client logged in. */
  #usedMs = 0;
  #refreshedMs = 0;

  constructor(recipe: AuthQueryRecipe, environment: TenantSecretsEnvironment) {
    this.#environment = environment;
    this.#lookups = new AuthQueryLookups(recipe, environment);
    this.#alarm = new Alarm((nowMs) => this.#onAlarm(nowMs));
  }

  /** Connections to the tenant's database: one or none. */
  get servers(): number {
    return this.#lookups.servers;
  }

  /** Roles whose secrets are kept. */
  get kept(): number {
    return this.#kept.size;
  }

  /** Whether nobody has logged in for as long as anything kept is good. */
  get over(): boolean {
    const unusedMs = this.#environment.net.clock.now() - this.#usedMs;
    return unusedMs > STALE_MS && this.#lookups.waiting === 0;
  }

  /** Asks by `recipe` from now on. What is kept stays good only where the same query asks the same database. */
  follow(recipe: AuthQueryRecipe): void {
    const before = this.#lookups.recipe;
    if (Bun.deepEquals(before, recipe, true)) return;
    if (!Bun.deepEquals(sourceOf(before), sourceOf(recipe), true)) this.#kept.clear();
    this.#lookups.close();
    this.#lookups = new AuthQueryLookups(recipe, this.#environment);
  }

  /**
   * Returns what PostgreSQL keeps of the role's password, SCRAM or MD5; null: nobody may log in by this name.
   * @throws {PoolerError} the query is at fault; or PostgreSQL can't be asked, and nothing is kept of the role
   */
  async secretOf(role: string): Promise<string | null> {
    const { net, settings } = this.#environment;
    const nowMs = net.clock.now();
    this.#used(nowMs);
    const kept = this.#kept.get(role);
    const goodUntilMs = kept === undefined ? 0 : kept.confirmedMs + settings.authQueryCacheMs;
    if (kept?.doubtful === false && nowMs < goodUntilMs) return kept.text;
    const outcome = await this.#ask(role, kept !== undefined);
    if (outcome.kind === "secret") return outcome.text;
    if (outcome.kind === "failed") throw outcome.error;
    return outcome.kind === "none" ? null : this.#stale(role, outcome.error);
  }

  /** Whether PostgreSQL has told another secret of the role since it told `text`. */
  isOutdated(role: string, text: string): boolean {
    const kept = this.#kept.peek(role);
    return kept !== undefined && kept.text !== text;
  }

  /** A login failed by what is kept of this role: perhaps its password has changed. */
  doubt(role: string): void {
    const kept = this.#kept.peek(role);
    if (kept !== undefined) this.#kept.renew(role, { ...kept, doubtful: true });
  }

  /** PostgreSQL does not take what is kept of this role. */
  forget(role: string): void {
    this.#kept.delete(role);
  }

  /** Nobody asks any more. */
  close(): void {
    this.#environment.ticker.silence(this.#alarm);
    this.#lookups.close();
  }

  /** A login that can do without the answer waits less for it where there was none the last time. */
  #ask(role: string, known: boolean): Promise<AuthQueryOutcome> {
    const lookups = this.#lookups;
    const asked = this.#lookUp(role, known);
    if (!known || !lookups.failing) return asked;
    const { promise: late, resolve } = Promise.withResolvers<AuthQueryOutcome>();
    const { clock } = this.#environment.net;
    const timer = clock.after(WAIT_WHILE_FAILING_MS, () => {
      resolve({ kind: "away", error: new AuthQueryTimeoutError(WAIT_WHILE_FAILING_MS) });
    });
    return Promise.race([asked, late]).finally(() => timer.cancel());
  }

  /** Keeps what comes of it, unless others have to be asked by then. */
  async #lookUp(role: string, known: boolean): Promise<AuthQueryOutcome> {
    const lookups = this.#lookups;
    const outcome = await lookups.find(role, known);
    if (lookups !== this.#lookups) return outcome;
    if (outcome.kind === "secret") this.#keep(role, outcome.text);
    else if (outcome.kind === "none") this.#kept.delete(role);
    return outcome;
  }

  /** A refresh is no use: what nobody logs in with goes first. */
  #keep(role: string, text: string): void {
    const secret = { text, confirmedMs: this.#environment.net.clock.now(), doubtful: false };
    if (this.#kept.peek(role) === undefined) this.#kept.set(role, secret);
    else this.#kept.renew(role, secret);
  }

  /** Returns what is kept and still good. */
  #stale(role: string, error: PoolerError): string {
    const kept = this.#kept.peek(role);
    const { clock } = this.#environment.net;
    if (kept !== undefined && clock.now() < kept.confirmedMs + STALE_MS) return kept.text;
    throw error;
  }

  #used(nowMs: number): void {
    this.#usedMs = nowMs;
    const { idleTimeoutMs } = this.#lookups.recipe;
    this.#environment.ticker.ringBy(this.#alarm, nowMs + Math.min(idleTimeoutMs, REFRESH_MS));
  }

  /** A connection that nobody has logged in by for a while is closed; until then it refreshes what is kept. */
  #onAlarm(nowMs: number): void {
    const { idleTimeoutMs } = this.#lookups.recipe;
    const idleAtMs = this.#usedMs + idleTimeoutMs;
    if (nowMs >= idleAtMs) return this.#lookups.rest();
    if (nowMs >= this.#refreshedMs + REFRESH_MS) this.#refresh(nowMs);
    this.#environment.ticker.ringBy(this.#alarm, Math.min(idleAtMs, nowMs + REFRESH_MS));
  }

  /** In the order of their last use, so that what does not find room is what is needed least. */
  #refresh(nowMs: number): void {
    this.#refreshedMs = nowMs;
    for (const role of [...this.#kept.keys()].toReversed()) {
      const kept = this.#kept.peek(role);
      if (kept !== undefined && nowMs >= kept.confirmedMs + REFRESH_MS)
        void this.#lookUp(role, false);
    }
  }
}

/** What the secrets of a recipe come from. */
function sourceOf({ address, database, query }: AuthQueryRecipe): object {
  return { address, database, query };
}
