/**
 * What the pooler asks at each login: is there such a tenant, and what does it say? Answers from
 * memory wherever it can; hears of every change in the store within a quarter of a second; and while
 * the store is away, goes on with what it knows.
 */

import type { Clock, Timer } from "../base/clock.ts";
import { errorMessage } from "../base/error-message.ts";
import type { Logger } from "../base/logger.ts";
import { LruMap } from "../base/lru-map.ts";
import { clusterTarget } from "./cluster.ts";
import { LOOK_INTERVAL_MS } from "./store-watch.ts";
import type { StoredTenant } from "./tenant.ts";
import { TenantLookupFailedError } from "./tenant-lookup-failed-error.ts";
import type { ChangesSince, ChangeToken, TenantStore } from "./tenant-store.ts";

/** Where somebody else looks for changes and says so ({@link TenantDirectory.refresh}): in case that a word was lost. */
const TOLD_INTERVAL_MS = 5000;
/** Changes void what is known to be missing at once; this bounds what that costs if they can't be heard. */
const MISSING_TTL_MS = 5000;
/** They are read again after any change of any tenant: few, and seldom used all at once. */
const CLUSTERS_MAX = 10_000;
/** Names that do not exist are invented by whoever connects: they get a cache of their own. */
const MISSING_MAX = 10_000;

export interface TenantDirectoryParts {
  readonly store: TenantStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How many tenants are kept in memory. */
  readonly tenantsMax: number;
  /** Whether somebody else looks for changes, and calls {@link TenantDirectory.refresh}. */
  readonly told?: boolean;
  /** Hears which tenants were put or deleted; "all" if that could not be told. */
  readonly onChanged: (externalIds: ChangesSince["externalIds"]) => void;
}

export class TenantDirectory {
  readonly #store: TenantStore;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onChanged: TenantDirectoryParts["onChanged"];
  readonly #intervalMs: number;
  readonly #tenants: LruMap<string, StoredTenant>;
  /** Host name to `external_id`: a hint, good only while that tenant's record says the same. */
  readonly #hostnames: LruMap<string, string>;
  /** Alias of a cluster to the tenant that its clients are led to: good until anything changes. */
  readonly #clusters: LruMap<string, string>;
  /** Cache key to the time at which its absence is forgotten. */
  readonly #missing = new LruMap<string, number>(MISSING_MAX);
  /** Reads under way, by cache key. A read that is no longer here was overtaken by a change. */
  readonly #reads = new Map<string, Promise<StoredTenant | null>>();
  #token: ChangeToken | null = null;
  #timer: Timer | null = null;
  /** The look for changes that is under way, or the last one. Never rejects. */
  #looking: Promise<void> = Promise.resolve();
  /** The look that comes behind it, where somebody waits for that. */
  #nextLook: Promise<void> | null = null;
  #storeAnswers = true;
  #stopped = false;

  constructor(parts: TenantDirectoryParts) {
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#onChanged = parts.onChanged;
    this.#intervalMs = parts.told === true ? TOLD_INTERVAL_MS : LOOK_INTERVAL_MS;
    this.#tenants = new LruMap(parts.tenantsMax);
    this.#hostnames = new LruMap(parts.tenantsMax);
    this.#clusters = new LruMap(CLUSTERS_MAX);
  }

  /** Begins to listen for changes. To be awaited before the first lookup. Rejects if the store is away. */
  async start(): Promise<void> {
    this.#token = await this.#store.changeToken();
    this.#schedulePoll();
  }

  /** Ends listening. What is under way goes on; the store is left open. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Resolves when all changes of before now are heard of, or the store has not answered. Never rejects. */
  refresh(): Promise<void> {
    this.#nextLook ??= this.#looking.then(() => {
      this.#nextLook = null;
      return this.#look();
    });
    return this.#nextLook;
  }

  /** Returns the tenant, null if it is known that there is none, or undefined: then {@link lookup}. */
  peek(externalId: string): StoredTenant | null | undefined {
    return this.#tenants.get(externalId) ?? this.#peekMissing(idKey(externalId));
  }

  /** As {@link peek}, for a host name in lower case. */
  peekSni(hostname: string): StoredTenant | null | undefined {
    const externalId = this.#hostnames.get(hostname);
    const tenant = externalId === undefined ? undefined : this.#tenants.get(externalId);
    if (tenant?.sni_hostname === hostname) return tenant;
    return this.#peekMissing(sniKey(hostname));
  }

  /** Returns the tenant or null. Rejects with {@link TenantLookupFailedError} if the store is away. */
  async lookup(externalId: string): Promise<StoredTenant | null> {
    const known = this.peek(externalId);
    if (known !== undefined) return known;
    return this.#read(idKey(externalId), () => this.#store.get(externalId));
  }

  /** As {@link lookup}, for a host name in lower case. */
  async lookupSni(hostname: string): Promise<StoredTenant | null> {
    const known = this.peekSni(hostname);
    if (known !== undefined) return known;
    return this.#read(sniKey(hostname), () => this.#store.findBySni(hostname));
  }

  /** As {@link peek}, for the tenant that clients of a cluster are led to; null also where it has none. */
  peekCluster(alias: string): StoredTenant | null | undefined {
    const externalId = this.#clusters.get(alias);
    const tenant = externalId === undefined ? undefined : this.#tenants.get(externalId);
    return tenant ?? this.#peekMissing(clusterKey(alias));
  }

  /** As {@link lookup}, for the tenant that clients of a cluster are led to. */
  async lookupCluster(alias: string): Promise<StoredTenant | null> {
    const known = this.peekCluster(alias);
    if (known !== undefined) return known;
    return this.#read(clusterKey(alias), async () => {
      const cluster = await this.#store.clusters.get(alias);
      const externalId = cluster === null ? null : clusterTarget(cluster);
      if (externalId === null) return null;
      this.#clusters.set(alias, externalId);
      return this.#store.get(externalId);
    });
  }

  #peekMissing(key: string): null | undefined {
    const until = this.#missing.get(key);
    if (until === undefined) return undefined;
    if (this.#clock.now() < until) return null;
    this.#missing.delete(key);
    return undefined;
  }

  /** Concurrent misses of one key share one read. */
  #read(key: string, ask: () => Promise<StoredTenant | null>): Promise<StoredTenant | null> {
    const underWay = this.#reads.get(key);
    if (underWay !== undefined) return underWay;
    const read: Promise<StoredTenant | null> = this.#ask(ask).then(
      (tenant) => {
        if (this.#endRead(key, read)) this.#remember(key, tenant);
        return tenant;
      },
      (error: unknown) => {
        this.#endRead(key, read);
        throw error;
      },
    );
    this.#reads.set(key, read);
    return read;
  }

  async #ask(ask: () => Promise<StoredTenant | null>): Promise<StoredTenant | null> {
    try {
      return await ask();
    } catch (error) {
      throw new TenantLookupFailedError(error);
    }
  }

  /** Returns whether the answer of `read` still holds: no change has come between. */
  #endRead(key: string, read: Promise<StoredTenant | null>): boolean {
    if (this.#reads.get(key) !== read) return false;
    this.#reads.delete(key);
    return true;
  }

  #remember(key: string, tenant: StoredTenant | null): void {
    if (tenant === null) {
      this.#missing.set(key, this.#clock.now() + MISSING_TTL_MS);
      return;
    }
    this.#tenants.set(tenant.external_id, tenant);
    if (tenant.sni_hostname !== null) this.#hostnames.set(tenant.sni_hostname, tenant.external_id);
  }

  #schedulePoll(): void {
    if (this.#stopped) return;
    this.#timer = this.#clock.after(this.#intervalMs, () => void this.#poll());
  }

  async #poll(): Promise<void> {
    await this.refresh();
    this.#schedulePoll();
  }

  #look(): Promise<void> {
    this.#looking = this.#hearChanges();
    return this.#looking;
  }

  async #hearChanges(): Promise<void> {
    try {
      const changes = await this.#changes();
      this.#noteStore(null);
      if (changes !== null && !this.#stopped) this.#forget(changes);
    } catch (error) {
      this.#noteStore(error);
    }
  }

  async #changes(): Promise<ChangesSince | null> {
    const token = await this.#store.changeToken();
    if (this.#token === null || token === this.#token) return null;
    return this.#store.changedSince(this.#token);
  }

  #forget({ token, externalIds }: ChangesSince): void {
    this.#token = token;
    // Which host names a change concerns is not known before it is read; there are few such reads.
    this.#missing.clear();
    this.#clusters.clear();
    this.#reads.clear();
    if (externalIds === "all") this.#tenants.clear();
    else for (const externalId of externalIds) this.#tenants.delete(externalId);
    this.#onChanged(externalIds);
  }

  /** Says once that the store is away, and once that it is back. */
  #noteStore(error: unknown): void {
    const answers = error === null;
    if (answers === this.#storeAnswers) return;
    this.#storeAnswers = answers;
    if (answers) this.#logger.info({}, "the tenant store answers again");
    else
      this.#logger.warn(
        { reason: errorMessage(error) },
        "the tenant store does not answer: known tenants are served on, changes are not seen",
      );
  }
}

/** No `external_id` and no host name contains a space. */
function idKey(externalId: string): string {
  return `id ${externalId}`;
}

function clusterKey(alias: string): string {
  return `cluster ${alias}`;
}

function sniKey(hostname: string): string {
  return `sni ${hostname}`;
}
