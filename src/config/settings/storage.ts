/**
 * Where tenants are kept, and by which key their passwords are sealed.
 */

import { count } from "../integer-settings.ts";
import { path, secret, url } from "../text-settings.ts";

export const STORAGE_SETTINGS = {
  dataDirectory: path({
    name: "DATA_DIRECTORY",
    group: "Storage",
    default: ".carpool",
    reloadable: false,
    summary:
      "Folder of everything that Carpool keeps; it is made at the first start. The default stands in the working directory, so that trying Carpool touches one folder only.",
  }),
  databaseUrl: url({
    name: "DATABASE_URL",
    group: "Storage",
    default: "sqlite:$DATA_DIRECTORY/carpool.db",
    reloadable: false,
    schemes: ["sqlite", "postgres", "postgresql", "ecto"],
    range: "sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE",
    summary:
      "Where tenants and users are stored. The default needs no other service; a PostgreSQL (13 or later) serves several Carpools. Its `sslmode` may be disable, require, verify-ca or verify-full. Supavisor's `ecto:` is taken for `postgres:`.",
  }),
  dbPoolSize: count({
    name: "DB_POOL_SIZE",
    group: "Storage",
    default: "5",
    reloadable: false,
    min: 1,
    max: 100,
    summary:
      "Most connections of each process (WORKERS and the one that was started) to the PostgreSQL of DATABASE_URL. Tenants are read once and kept: Supavisor's 25 are not needed.",
  }),
  tenantCacheSize: count({
    name: "TENANT_CACHE_SIZE",
    group: "Storage",
    default: "100000",
    reloadable: false,
    min: 1,
    max: 10_000_000,
    summary:
      "Most tenants that each process keeps in memory, where a login finds them in a microsecond and without the store; the one unused for longest makes room. One with a user takes about 4 kB.",
  }),
  vaultEncKey: secret({
    name: "VAULT_ENC_KEY",
    group: "Storage",
    default: null,
    reloadable: false,
    bytesExact: 32,
    summary:
      "Key that encrypts the passwords in the store (AES-256-GCM, hence 32 bytes). Without it, a key file is made in DATA_DIRECTORY at the first start.",
  }),
} as const;
