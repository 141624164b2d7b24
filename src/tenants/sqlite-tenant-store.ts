/**
 * The embedded tenant store: one SQLite file, which `carpool start` and `carpool apply` may have
 * open at the same time.
 */

import { Database } from "bun:sqlite";
import { closeSync, openSync } from "node:fs";
import { Kysely } from "kysely";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { WallClock } from "../base/wall-clock.ts";
import { BunSqliteDialect } from "./bun-sqlite-dialect.ts";
import { KyselyTenantStore } from "./kysely-tenant-store.ts";
import { migrate } from "./migrations.ts";
import type { SecretBox } from "./secret-box.ts";
import type { TenantStore } from "./tenant-store.ts";
import type { TenantDatabase } from "./tenant-tables.ts";

const OWNER_ONLY = 0o600;
/** Writers wait this long for each other. Readers don't: the file is in WAL mode. */
const BUSY_TIMEOUT_MS = 5000;

export interface SqliteTenantStoreOptions {
  /** The file; its folder must exist. SQLite keeps `-wal` and `-shm` beside it, with the same mode. */
  readonly path: string;
  readonly secretBox: SecretBox;
  readonly random: Random;
  readonly clock: Clock;
  readonly wallClock: WallClock;
}

/**
 * Opens the store, made with mode 0600 if there is none, and brings its schema up to date.
 * Throws MigrationFailedError, SecretNotOpenedError if the key of `secretBox` is not the one that
 * the passwords in it were sealed with, and SQLite's or the system's error if it can't be opened.
 */
export async function openSqliteTenantStore(
  options: SqliteTenantStoreOptions,
): Promise<TenantStore> {
  const { path, clock, ...parts } = options;
  const dialect = new BunSqliteDialect({
    database: openDatabase(path),
    clock,
    busyTimeoutMs: BUSY_TIMEOUT_MS,
  });
  const database = new Kysely<TenantDatabase>({ dialect });
  try {
    await migrate(database);
    const store = new KyselyTenantStore({ database, ...parts });
    await store.verifyKey();
    return store;
  } catch (error) {
    await database.destroy();
    throw error;
  }
}

function openDatabase(path: string): Database {
  // SQLite itself would make the file with the mode that the umask leaves.
  closeSync(openSync(path, "a", OWNER_ONLY));
  const database = new Database(path, { readwrite: true, strict: true });
  try {
    database.run(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    database.run("PRAGMA journal_mode = WAL");
    database.run("PRAGMA foreign_keys = ON");
    // From here on the dialect waits, without standing still.
    database.run("PRAGMA busy_timeout = 0");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
