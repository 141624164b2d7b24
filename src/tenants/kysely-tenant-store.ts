/**
 * The tenant store over any SQL engine that kysely speaks to. Every read is one statement, so that
 * a tenant and its users are of one moment; every write begins by counting up the revision, whose
 * row lock makes writers wait for each other, and their revisions visible in order.
 */

import {
  type CompiledQuery,
  type ExpressionBuilder,
  type Kysely,
  type SelectQueryBuilder,
  sql,
  type Transaction,
} from "kysely";
import type { Random } from "../base/random.ts";
import type { WallClock } from "../base/wall-clock.ts";
import type { Cluster } from "./cluster.ts";
import type { ClusterStore } from "./cluster-store.ts";
import { inChunks } from "./in-chunks.ts";
import { KyselyClusterStore } from "./kysely-cluster-store.ts";
import { nextRevision } from "./next-revision.ts";
import { readHostnameOwners } from "./read-hostname-owners.ts";
import type { SecretBox } from "./secret-box.ts";
import type { StoredTenant } from "./tenant.ts";
import {
  type ChangesSince,
  type ChangeToken,
  type ListPage,
  StoreMovedError,
  type TenantChange,
  type TenantStore,
} from "./tenant-store.ts";
import {
  fromJoinedRows,
  type TenantDatabase,
  type TenantRow,
  USER_COLUMNS,
} from "./tenant-tables.ts";
import { uuid } from "./uuid.ts";
import { changedId, writeChanges } from "./write-changes.ts";
import { writeCluster } from "./write-cluster.ts";

type TenantsQuery = SelectQueryBuilder<TenantDatabase, "tenants", TenantRow>;

export interface KyselyTenantStoreParts {
  /** Already migrated. Closed with the store. */
  readonly database: Kysely<TenantDatabase>;
  readonly secretBox: SecretBox;
  readonly random: Random;
  readonly wallClock: WallClock;
}

export class KyselyTenantStore implements TenantStore {
  readonly clusters: ClusterStore;
  readonly #database: Kysely<TenantDatabase>;
  readonly #secretBox: SecretBox;
  readonly #random: Random;
  readonly #wallClock: WallClock;
  /** Built once: it is asked four times a second, and to build it costs more than to ask. */
  readonly #revisionQuery: CompiledQuery<{ revision: number }>;

  constructor(parts: KyselyTenantStoreParts) {
    this.clusters = new KyselyClusterStore(parts);
    this.#database = parts.database;
    this.#secretBox = parts.secretBox;
    this.#random = parts.random;
    this.#wallClock = parts.wallClock;
    this.#revisionQuery = parts.database.selectFrom("store_revision").select("revision").compile();
  }

  async get(externalId: string): Promise<StoredTenant | null> {
    const [tenant] = await this.#read((tenants) => tenants.where("external_id", "=", externalId));
    return tenant ?? null;
  }

  async getMany(externalIds: readonly string[]): Promise<readonly StoredTenant[]> {
    const found: StoredTenant[] = [];
    // One after the other: a long list must not take every connection from those who log in.
    await inChunks(externalIds, async (ids) => {
      found.push(...(await this.#read((tenants) => tenants.where("external_id", "in", ids))));
    });
    return found;
  }

  async findBySni(hostname: string): Promise<StoredTenant | null> {
    const [tenant] = await this.#read((tenants) => tenants.where("sni_hostname", "=", hostname));
    return tenant ?? null;
  }

  hostnameOwners(hostnames: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return readHostnameOwners(this.#database, hostnames);
  }

  list({ after, limit, search = null, banned = null }: ListPage): Promise<readonly StoredTenant[]> {
    return this.#read((tenants) => {
      let page = tenants
        .where("external_id", ">", after ?? "")
        .orderBy("external_id")
        .limit(limit);
      if (search !== null) page = page.where((row) => containsAnywhere(row, search));
      if (banned !== null) page = page.where((row) => isBanned(row, banned, this.#wallClock.iso()));
      return page;
    });
  }

  async write(
    changes: readonly TenantChange[],
    base?: ChangeToken,
    clusters: readonly Cluster[] = [],
  ): Promise<void> {
    if (changes.length === 0 && clusters.length === 0) return;
    await this.#database.transaction().execute(async (transaction) => {
      const revision = await nextRevision(transaction);
      if (base !== undefined)
        await refuseMoved(transaction, changes.map(changedId), base, revision);
      const now = this.#wallClock.iso();
      const newId = () => uuid(this.#random.bytes(16));
      const secretBox = this.#secretBox;
      await writeChanges(transaction, changes, { revision, now, newId, secretBox });
      // oxlint-disable-next-line no-await-in-loop -- they share a transaction, hence a connection
      for (const cluster of clusters) await writeCluster(transaction, cluster, { now, newId });
    });
  }

  async changeToken(): Promise<ChangeToken> {
    const { rows } = await this.#database.executeQuery(this.#revisionQuery);
    const [row] = rows;
    if (row === undefined) throw new Error("the store has no revision");
    return String(row.revision);
  }

  async changedSince(token: ChangeToken): Promise<ChangesSince> {
    const current = await this.changeToken();
    // Behind the token: an older copy of the store has been put in place.
    if (Number(current) < Number(token)) return { token: current, externalIds: "all" };
    const rows = await this.#database
      .selectFrom("tenant_changes")
      .select("external_id")
      .where("revision", ">", Number(token))
      .orderBy("external_id")
      .execute();
    return { token: current, externalIds: rows.map((row) => row.external_id) };
  }

  close(): Promise<void> {
    return this.#database.destroy();
  }

  /** Opens one password, if there is any: throws SecretNotOpenedError if the key is another one. */
  async verifyKey(): Promise<void> {
    const row = await this.#database
      .selectFrom("users")
      .select("tenant_external_id")
      .where("db_pass_encrypted", "is not", null)
      .limit(1)
      .executeTakeFirst();
    if (row !== undefined) await this.get(row.tenant_external_id);
  }

  /** Tenants that `narrow` leaves, each with its users: one statement. */
  async #read(narrow: (tenants: TenantsQuery) => TenantsQuery): Promise<StoredTenant[]> {
    const tenants = narrow(this.#database.selectFrom("tenants").selectAll());
    const rows = await this.#database
      .selectFrom(tenants.as("tenants"))
      .leftJoin("users", "users.tenant_external_id", "tenants.external_id")
      .selectAll("tenants")
      .select(USER_COLUMNS)
      .orderBy("tenants.external_id")
      .orderBy("users.db_user_alias")
      .execute();
    return fromJoinedRows(rows, this.#secretBox);
  }
}

/** Throws StoreMovedError where one of the tenants was written after `base`, or `base` is of another store. */
async function refuseMoved(
  transaction: Transaction<TenantDatabase>,
  externalIds: readonly string[],
  base: ChangeToken,
  revision: number,
): Promise<void> {
  if (Number(base) >= revision) throw new StoreMovedError();
  await inChunks(externalIds, async (chunk) => {
    const later = await transaction
      .selectFrom("tenant_changes")
      .select("external_id")
      .where("external_id", "in", chunk)
      .where("revision", ">", Number(base))
      .limit(1)
      .executeTakeFirst();
    if (later !== undefined) throw new StoreMovedError();
  });
}

type TenantExpressions = ExpressionBuilder<TenantDatabase, "tenants">;

/** Whether a part of the name, the host or the database is `search`; upper and lower case are one, in ASCII. */
function containsAnywhere(row: TenantExpressions, search: string) {
  const escaped = search.toLowerCase().replaceAll(/[\\%_]/g, (special) => `\\${special}`);
  const pattern = `%${escaped}%`;
  const contains = (column: "external_id" | "db_host" | "db_database") =>
    sql<boolean>`lower(${row.ref(column)}) like ${pattern} escape '\\'`;
  return row.or([contains("external_id"), contains("db_host"), contains("db_database")]);
}

/** A ban that is over, or has not begun, is none. */
function isBanned(row: TenantExpressions, banned: boolean, now: string) {
  const isBannedNow = row.and([
    row("banned_at", "is not", null),
    row("banned_at", "<=", now),
    row.or([row("banned_until", "is", null), row("banned_until", ">", now)]),
  ]);
  if (banned) return isBannedNow;
  return row.or([
    row("banned_at", "is", null),
    row("banned_at", ">", now),
    row("banned_until", "<=", now),
  ]);
}
