/**
 * The tenant store in PostgreSQL 13 or later, in a schema of its own, which any number of Carpools share.
 * Nothing here waits for ever: a database that hangs is a database that is away.
 */

import {
  Kysely,
  type PostgresCursor,
  PostgresDialect,
  type PostgresPool,
  type PostgresPoolClient,
  type PostgresQueryResult,
} from "kysely";
import { DatabaseError, Pool, type PoolClient } from "pg";
import { errorMessage } from "../base/error-message.ts";
import type { Random } from "../base/random.ts";
import type { WallClock } from "../base/wall-clock.ts";
import { KyselyTenantStore } from "./kysely-tenant-store.ts";
import { migrate } from "./migrations.ts";
import type { SecretBox } from "./secret-box.ts";
import type { TenantStore } from "./tenant-store.ts";
import type { TenantDatabase } from "./tenant-tables.ts";

/** All tables are here; it is made if the role may make it. */
const SCHEMA = "carpool";

/** A login waits for the store at most so long, for a connection and for its answer. */
const CONNECT_TIMEOUT_MS = 5000;
const STATEMENT_TIMEOUT_MS = 5000;
/** The client's own patience beyond that, for a server that is not there any more to keep it. */
const ANSWER_GRACE_MS = 1000;
/** Of several nodes that begin at once, one migrates and the others wait for it. */
const MIGRATION_TIMEOUT_MS = 60_000;
/** One holds the lock of the migrations. */
const MIGRATION_CONNECTIONS = 2;
/** Connections that nobody uses are closed, but for their number a change is asked for every 250 ms. */
const IDLE_TIMEOUT_MS = 60_000;

/** Any number will do, if it is everybody's: "carpool" in ASCII, cut to four bytes. */
const SCHEMA_LOCK = 0x63617270;

export interface PostgresTenantStoreOptions {
  /** `postgres://…`; `sslmode` and its like mean what they mean to libpq. */
  readonly url: string;
  /** Most connections at a time. */
  readonly connectionsMax: number;
  readonly secretBox: SecretBox;
  readonly random: Random;
  readonly wallClock: WallClock;
}

/** The metadata database cannot be used: it does not answer, or refuses. */
export class MetadataDatabaseError extends Error {
  override readonly name = "MetadataDatabaseError";

  constructor(cause: unknown) {
    super(`DATABASE_URL: the metadata database cannot be used: ${errorMessage(cause)}`, { cause });
  }
}

/**
 * Opens the store and brings its schema up to date. Throws MetadataDatabaseError, MigrationFailedError,
 * and SecretNotOpenedError if the key of `secretBox` is not the one that the passwords in it were sealed
 * with; nothing is left open then.
 */
export async function openPostgresTenantStore(
  options: PostgresTenantStoreOptions,
): Promise<TenantStore> {
  const { url, connectionsMax, ...parts } = options;
  await prepareSchema(url);
  const pool = openPool(url, connectionsMax, STATEMENT_TIMEOUT_MS);
  const database = databaseOver(pool);
  try {
    const store = new KyselyTenantStore({ database, ...parts });
    await store.verifyKey();
    return store;
  } catch (error) {
    await database.destroy();
    throw error;
  }
}

/** Over connections of its own: who waits for another node to migrate waits longer than a login does. */
async function prepareSchema(url: string): Promise<void> {
  const pool = openPool(url, MIGRATION_CONNECTIONS, MIGRATION_TIMEOUT_MS);
  const database = databaseOver(pool);
  try {
    await makeSchema(pool);
    await migrate(database);
  } finally {
    await database.destroy();
    if (!pool.ended) await pool.end();
  }
}

function databaseOver(pool: Pool): Kysely<TenantDatabase> {
  return new Kysely<TenantDatabase>({
    dialect: new PostgresDialect({ pool: new CheckedPool(pool) }),
  });
}

function openPool(url: string, connectionsMax: number, statementTimeoutMs: number): Pool {
  refuseChance(url);
  const pool = new Pool({
    connectionString: asLibpqReadsIt(url),
    max: connectionsMax,
    application_name: "carpool",
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    query_timeout: statementTimeoutMs + ANSWER_GRACE_MS,
    keepAlive: true,
    options: [
      `-c search_path=${SCHEMA}`,
      `-c statement_timeout=${statementTimeoutMs}`,
      `-c idle_in_transaction_session_timeout=${statementTimeoutMs}`,
    ].join(" "),
  });
  pool.on("error", () => {
    // An idle connection was lost: the next question opens another, or says why it can't.
  });
  return pool;
}

/** These two leave to the server, or to who stands between, whether anything is encrypted. `pg` can't do them. */
function refuseChance(url: string): void {
  const mode = /[?&]sslmode=(prefer|allow)(&|$)/.exec(url)?.[1];
  if (mode !== undefined)
    throw new MetadataDatabaseError(
      `sslmode=${mode} is not offered: choose disable, require, verify-ca or verify-full`,
    );
}

/**
 * Returns `url` for `pg` to read its `sslmode` as libpq does: it takes `require` and `verify-ca` for
 * `verify-full` otherwise, and says that this will change.
 */
export function asLibpqReadsIt(url: string): string {
  if (/[?&]uselibpqcompat=/.test(url)) return url;
  return `${url}${url.includes("?") ? "&" : "?"}uselibpqcompat=true`;
}

/** Two that begin at once make it once. A role that may not make it finds it there, or is told. */
async function makeSchema(pool: Pool): Promise<void> {
  try {
    const found = await pool.query<{ there: boolean }>(
      "select to_regnamespace($1) is not null as there",
      [SCHEMA],
    );
    if (found.rows[0]?.there === true) return;
    await pool.query(
      `begin; select pg_advisory_xact_lock(${SCHEMA_LOCK}); create schema if not exists ${SCHEMA}; commit`,
    );
  } catch (error) {
    throw new MetadataDatabaseError(error);
  }
}

/** Gives no connection back on which an answer is still to come. */
class CheckedPool implements PostgresPool {
  readonly #pool: Pool;
  readonly options: object;

  constructor(pool: Pool) {
    this.#pool = pool;
    this.options = pool.options;
  }

  async connect(): Promise<PostgresPoolClient> {
    return new CheckedClient(await this.#pool.connect());
  }

  end(): Promise<void> {
    return this.#pool.end();
  }
}

/** Of these kysely wants to know how many rows they changed. */
const WRITES = ["INSERT", "UPDATE", "DELETE", "MERGE"] as const;

class CheckedClient implements PostgresPoolClient {
  readonly #client: PoolClient;
  #isSound = true;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  query<Row>(cursor: PostgresCursor<Row>): PostgresCursor<Row>;
  query<Row>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<Row>>;
  query<Row>(
    sql: string | PostgresCursor<Row>,
    parameters: readonly unknown[] = [],
  ): PostgresCursor<Row> | Promise<PostgresQueryResult<Row>> {
    if (typeof sql === "string") return this.#ask(sql, parameters);
    throw new TypeError("the store reads no cursors");
  }

  async #ask<Row>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<Row>> {
    try {
      const { command, rowCount, rows } = await this.#client.query(sql, [...parameters]);
      return {
        command: WRITES.find((write) => write === command) ?? "SELECT",
        rowCount: rowCount ?? 0,
        rows,
      };
    } catch (error) {
      // What PostgreSQL refuses leaves the connection as it is; what it does not answer does not.
      if (!(error instanceof DatabaseError)) this.#isSound = false;
      throw error;
    }
  }

  release(): void {
    this.#client.release(!this.#isSound);
  }
}
