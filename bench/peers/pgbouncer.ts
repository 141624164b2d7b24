/**
 * PgBouncer, the yardstick: `PGBOUNCER=path`, else the one on PATH.
 */

import { chown, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, portAnswers, SpawnedServer, unprivilegedAccount } from "../spawned-server.ts";
import type { Peer, PeerSettings, RunningPeer } from "./peer.ts";

/** The first that keeps prepared statements in transaction mode. */
const VERSION_MIN = "1.21.0";

const CERTIFICATE = "server.crt";
const KEY = "server.key";

export const PGBOUNCER: Peer = {
  name: "pgbouncer",
  scenarios: null,
  unavailable,
  start: (settings) => start(settings, "scram-sha-256"),
};

/** It believes every client: what a connection costs without SCRAM. Carpool has no such setting. */
export const PGBOUNCER_TRUST: Peer = {
  name: "pgbouncer-trust",
  scenarios: ["connect"],
  unavailable,
  start: (settings) => start(settings, "trust"),
};

type AuthType = "scram-sha-256" | "trust";

async function unavailable(): Promise<string | null> {
  const program = findProgram();
  if (program === null) return "set PGBOUNCER=path or put pgbouncer on PATH";
  const version = await versionOf(program);
  if (version === null) return `${program} does not run here, or is no PgBouncer`;
  if (Bun.semver.order(version, VERSION_MIN) >= 0) return null;
  return `${program} is ${version}; ${VERSION_MIN} is the first with prepared statements in transaction mode`;
}

async function start(settings: PeerSettings, authType: AuthType): Promise<RunningPeer> {
  const { database, certificate, folder } = settings;
  const { user, password } = database.target;
  await copyPrivate(certificate.certificate, folder, CERTIFICATE);
  await copyPrivate(certificate.key, folder, KEY);
  const running = await runPgbouncer(folder, `"${user}" "${password}"\n`, (port) =>
    iniOf(settings, port, authType),
  );
  return { ...running, target: { ...database.target, port: running.port } };
}

/** A PgBouncer that takes connections on `port`. */
export interface RunningPgbouncer extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  readonly version: string;
}

/**
 * Starts PgBouncer with the text of its auth_file, `users.txt` in `folder`, and of its configuration, which is made
 * for a port. `folder` exists.
 */
export async function runPgbouncer(
  folder: string,
  users: string,
  iniOfPort: (port: number) => string,
): Promise<RunningPgbouncer> {
  const program = findProgram();
  if (program === null) throw new Error("pgbouncer vanished");
  const port = freePort();
  const configuration = await writePrivate(folder, "pgbouncer.ini", iniOfPort(port));
  await writePrivate(folder, "users.txt", users);
  const server = await SpawnedServer.start({
    argv: [program, configuration],
    isUp: () => portAnswers(port),
    logPath: join(folder, "pgbouncer.log"),
    stopSignal: "SIGTERM",
    account: unprivilegedAccount(),
  });
  return {
    port,
    pid: server.pid,
    version: `PgBouncer ${await versionOf(program)}`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Its defaults, but for what the comparison fixes: pool mode, pool size, authentication, TCP, TLS for who asks. */
function iniOf(
  { database, poolSize, clientsMax, folder }: PeerSettings,
  port: number,
  authType: AuthType,
): string {
  const { host, port: databasePort, database: name } = database.target;
  return `[databases]
${name} = host=${host} port=${databasePort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = ${authType}
auth_file = ${join(folder, "users.txt")}
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = ${clientsMax + 100}
max_prepared_statements = 200
client_tls_sslmode = allow
client_tls_cert_file = ${join(folder, CERTIFICATE)}
client_tls_key_file = ${join(folder, KEY)}
`;
}

async function copyPrivate(from: string, folder: string, name: string): Promise<void> {
  await writePrivate(folder, name, await readFile(from, "utf8"));
}

async function writePrivate(folder: string, name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text, { mode: 0o600 });
  const account = unprivilegedAccount();
  if (account !== null) await chown(path, account.uid, account.gid);
  return path;
}

function findProgram(): string | null {
  return Bun.env["PGBOUNCER"] ?? Bun.which("pgbouncer");
}

/** As `1.25.2`; null when the program doesn't run or says something else. */
async function versionOf(program: string): Promise<string | null> {
  const text = await Bun.$`${program} --version`.quiet().nothrow().text();
  return /PgBouncer (\d+\.\d+\.\d+)/.exec(text)?.[1] ?? null;
}
