/**
 * Many tenants, each a database of its own on the stand-in for PostgreSQL, as Carpool and PgBouncer are told of
 * them: one by TENANT_BY_DATABASE and a tenants file, the other by `[databases]`. All have the same user, whose
 * SCRAM verifier is given: to derive one takes longer than all else that a login does.
 */

import { pbkdf2Sync } from "node:crypto";
import { join } from "node:path";
import { formatScramVerifier, verifierFromSaltedPassword } from "../../src/auth/scram-verifier.ts";
import type { FakePostgres } from "../fake-postgres/fake-postgres.ts";
import { PROGRAM, type RunningCarpool, runCarpool } from "../peers/carpool.ts";
import { type RunningPgbouncer, runPgbouncer } from "../peers/pgbouncer.ts";

export const CROWD_USER = "bench";
export const CROWD_PASSWORD = "bench";
/** Tenants are called by this and a number from 0. */
export const TENANT_PREFIX = "tenant_";

const ITERATIONS = 4096;
const SALT = Buffer.from("carpool benches!");

export interface ManyTenants {
  readonly count: number;
  readonly poolSize: number;
  readonly servers: FakePostgres;
  /** Most clients at a time. */
  readonly clientsMax: number;
}

/** Starts Carpool with these tenants. `folder` exists. */
export function runCarpoolWithTenants(
  folder: string,
  tenants: ManyTenants,
  environment: Readonly<Record<string, string>>,
): Promise<RunningCarpool> {
  const verifier = verifierText();
  const all = Array.from({ length: tenants.count }, (_, index) =>
    tenantOf(index, tenants, verifier),
  );
  return runCarpool(PROGRAM, folder, all, {
    TENANT_BY_DATABASE: "true",
    // The stand-in has no functions that could leave something behind.
    HIDDEN_STATE_CHECK: "0",
    ...environment,
  });
}

/** Starts PgBouncer with these tenants. `folder` exists. */
export function runPgbouncerWithTenants(
  folder: string,
  { count, poolSize, servers, clientsMax }: ManyTenants,
): Promise<RunningPgbouncer> {
  const databases = Array.from(
    { length: count },
    (_, index) =>
      `${TENANT_PREFIX}${index} = host=${servers.host} port=${portOf(index, servers)} dbname=${TENANT_PREFIX}${index}`,
  );
  return runPgbouncer(
    folder,
    `"${CROWD_USER}" "${verifierText()}"\n`,
    (port) => `[databases]
${databases.join("\n")}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${join(folder, "users.txt")}
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = ${clientsMax}
max_prepared_statements = 200
log_connections = 0
log_disconnections = 0
`,
  );
}

function tenantOf(index: number, { poolSize, servers, clientsMax }: ManyTenants, verifier: string) {
  const name = `${TENANT_PREFIX}${index}`;
  return {
    external_id: name,
    db_host: servers.host,
    db_port: portOf(index, servers),
    db_database: name,
    require_user: true,
    default_pool_size: poolSize,
    default_max_clients: clientsMax,
    users: [{ db_user: CROWD_USER, db_password: verifier }],
  };
}

function portOf(index: number, { ports }: FakePostgres): number {
  return ports[index % ports.length] ?? 0;
}

function verifierText(): string {
  const salted = pbkdf2Sync(CROWD_PASSWORD, SALT, ITERATIONS, 32, "sha256");
  return formatScramVerifier(verifierFromSaltedPassword(salted, SALT, ITERATIONS));
}
