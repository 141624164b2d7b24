/**
 * The metadata store that the settings name, with its vault.
 */

import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { WallClock } from "../base/wall-clock.ts";
import type { Config } from "../config/settings.ts";
import { openPostgresTenantStore } from "../tenants/postgres-tenant-store.ts";
import { SecretBox } from "../tenants/secret-box.ts";
import { openSqliteTenantStore } from "../tenants/sqlite-tenant-store.ts";
import type { TenantStore } from "../tenants/tenant-store.ts";
import { vaultKeyFromFile, vaultKeyFromSetting } from "../tenants/vault-key.ts";

export interface OpenedStore {
  readonly store: TenantStore;
  readonly vaultKey: Uint8Array;
  /** Where the store is: a file, or host and database. */
  readonly place: string;
}

export interface StoreEnvironment {
  readonly workingDirectory: string;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
}

const SQLITE_SCHEME = "sqlite:";
const OWNER_ONLY = 0o700;

/** Opens the store; one in a file is made, with its folder and its key, where there is none. */
export async function openStore(
  config: Config,
  environment: StoreEnvironment,
): Promise<OpenedStore> {
  const dataDirectory = resolve(environment.workingDirectory, config.dataDirectory);
  mkdirSync(dataDirectory, { recursive: true, mode: OWNER_ONLY });
  const vaultKey =
    config.vaultEncKey === null
      ? vaultKeyFromFile(join(dataDirectory, "vault.key"), environment.random)
      : vaultKeyFromSetting(config.vaultEncKey);
  return config.databaseUrl.startsWith(SQLITE_SCHEME)
    ? openSqlite(config, environment, dataDirectory, vaultKey)
    : openPostgres(config, environment, vaultKey);
}

async function openSqlite(
  config: Config,
  { workingDirectory, clock, wallClock, random }: StoreEnvironment,
  dataDirectory: string,
  vaultKey: Uint8Array,
): Promise<OpenedStore> {
  const named = config.databaseUrl.slice(SQLITE_SCHEME.length);
  const path = resolve(workingDirectory, named.replace("$DATA_DIRECTORY", dataDirectory));
  mkdirSync(dirname(path), { recursive: true });
  const secretBox = new SecretBox(vaultKey, random);
  const store = await openSqliteTenantStore({ path, secretBox, random, clock, wallClock });
  return { store, vaultKey, place: path };
}

async function openPostgres(
  { databaseUrl, dbPoolSize: connectionsMax }: Config,
  { wallClock, random }: StoreEnvironment,
  vaultKey: Uint8Array,
): Promise<OpenedStore> {
  const url = databaseUrl.replace(/^ecto:/, "postgres:");
  const secretBox = new SecretBox(vaultKey, random);
  const store = await openPostgresTenantStore({
    url,
    connectionsMax,
    secretBox,
    random,
    wallClock,
  });
  const { host, pathname } = new URL(url);
  return { store, vaultKey, place: `${host}${pathname}` };
}
