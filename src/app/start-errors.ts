/**
 * Why Carpool does not start, for the person at the terminal.
 */

import { errorMessage } from "../base/error-message.ts";
import { SupavisorKeyError } from "../control/supavisor/cloak-secret.ts";
import { TlsConfigurationError } from "../net/tls-contexts.ts";
import { MigrationFailedError } from "../tenants/migrations.ts";
import { MetadataDatabaseError } from "../tenants/postgres-tenant-store.ts";
import { SecretNotOpenedError } from "../tenants/secret-box.ts";
import { StoreMovedError } from "../tenants/tenant-store.ts";
import { VaultKeyError } from "../tenants/vault-key.ts";
import { EmbeddedPostgresError } from "./embedded/postgres-error.ts";
import { SettingsFileExistsError } from "./verbs/import-pgbouncer.ts";
import { SupavisorDatabaseError } from "./verbs/supavisor-database.ts";

const POSTGRESQL_PORT = 5432;

/** A port is taken. Names the setting that chooses it. */
export class PortTakenError extends Error {
  override readonly name = "PortTakenError";
  readonly setting: string;

  constructor(setting: string, hostname: string, port: number) {
    const whose = port === POSTGRESQL_PORT ? ", probably by a PostgreSQL of this machine" : "";
    super(
      `${setting}: port ${port} on ${hostname} is taken${whose}. Choose another: ${setting}=PORT`,
    );
    this.setting = setting;
  }
}

/** The system refuses a port or an address for another reason: a privileged port, no such address. */
export class PortUnusableError extends Error {
  override readonly name = "PortUnusableError";

  constructor(setting: string, cause: unknown) {
    super(`${setting}, LISTEN_ADDRESS: ${errorMessage(cause)}`, { cause });
  }
}

/** The workers do not serve clients. What they have logged says more. */
export class WorkerStartError extends Error {
  override readonly name = "WorkerStartError";
}

/** The running Carpool does not give its place away. */
export class TakeoverError extends Error {
  override readonly name = "TakeoverError";

  constructor(reason: string) {
    super(`the running Carpool is not replaced: ${reason}. It serves on`);
  }
}

/** Errors that say to an operator what is wrong. The others are ours: their stack says where. */
const OPERATOR_ERRORS = [
  PortTakenError,
  PortUnusableError,
  WorkerStartError,
  TakeoverError,
  TlsConfigurationError,
  VaultKeyError,
  SecretNotOpenedError,
  MetadataDatabaseError,
  MigrationFailedError,
  StoreMovedError,
  EmbeddedPostgresError,
  SupavisorKeyError,
  SupavisorDatabaseError,
  SettingsFileExistsError,
] as const;

/** Returns what an operator needs to know of `error`. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Errors of the system and of SQLite have a code, and their message names the file.
  const isTold = "code" in error || OPERATOR_ERRORS.some((known) => error instanceof known);
  return isTold ? error.message : (error.stack ?? error.message);
}
