/**
 * Why Carpool does not start, for the person at the terminal.
 */

import { ListenError } from "../net/listener.ts";
import { TlsConfigurationError } from "../net/tls-contexts.ts";
import { MigrationFailedError } from "../tenants/migrations.ts";
import { SecretNotOpenedError } from "../tenants/secret-box.ts";
import { StoreMovedError } from "../tenants/tenant-store.ts";
import { VaultKeyError } from "../tenants/vault-key.ts";
import { EmbeddedPostgresError } from "./postgres-error.ts";

/** A port is taken. Names the setting that chooses it. */
export class PortTakenError extends Error {
  override readonly name = "PortTakenError";
  readonly setting: string;

  constructor(setting: string, hostname: string, port: number) {
    super(
      `${setting}: port ${port} on ${hostname} is taken by another process; choose another with ${setting}=PORT`,
    );
    this.setting = setting;
  }
}

/** Errors that say to an operator what is wrong. The others are ours: their stack says where. */
const OPERATOR_ERRORS = [
  PortTakenError,
  ListenError,
  TlsConfigurationError,
  VaultKeyError,
  SecretNotOpenedError,
  MigrationFailedError,
  StoreMovedError,
  EmbeddedPostgresError,
] as const;

/** Returns what an operator needs to know of `error`. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Errors of the system and of SQLite have a code, and their message names the file.
  const isTold = "code" in error || OPERATOR_ERRORS.some((known) => error instanceof known);
  return isTold ? error.message : (error.stack ?? error.message);
}
