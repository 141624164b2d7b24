/**
 * Carpool as an operator runs it: a tenants file applied to a SQLite store, then `carpool start`.
 */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort, portAnswers, SpawnedServer } from "../spawned-server.ts";
import type { Peer, PeerSettings, RunningPeer } from "./peer.ts";

/** Where this bench lies. */
export const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
const TENANT = "bench";

/** Carpool out of a checked-out repository with its dependencies installed. */
export function carpoolOf(name: string, repository: string): Peer {
  const program = programOf(repository);
  return {
    name,
    scenarios: null,
    unavailable: () => Promise.resolve(null),
    start: (settings) => start(program, settings),
  };
}

export const CARPOOL = carpoolOf("carpool", REPOSITORY);

/** The program of this repository. */
export const PROGRAM = programOf(REPOSITORY);

async function start(program: string, settings: PeerSettings): Promise<RunningPeer> {
  const { database, folder, clientsMax, certificate } = settings;
  const running = await runCarpool(program, folder, [tenantOf(settings)], {
    GLOBAL_DOWNSTREAM_CERT_PATH: certificate.certificate,
    GLOBAL_DOWNSTREAM_KEY_PATH: certificate.key,
    WORKERS: "1", // one process beside one process
    DEFAULT_TENANT: TENANT, // takes the plain user name that PgBouncer takes
    MAX_CONNECTIONS: String(clientsMax + 100),
  });
  return { ...running, target: { ...database.target, port: running.port } };
}

/** A Carpool that takes connections on `port`, in transaction mode. */
export interface RunningCarpool extends AsyncDisposable {
  readonly port: number;
  /** Whose descendants the workers are. */
  readonly pid: number;
  readonly version: string;
}

/**
 * Starts Carpool with these tenants, as in a tenants file, and its defaults but for ports and folders, and what
 * `environment` says. `folder` exists.
 */
export async function runCarpool(
  program: string,
  folder: string,
  tenants: readonly object[],
  environment: Readonly<Record<string, string>>,
): Promise<RunningCarpool> {
  const port = freePort();
  const everything = { ...placesOf(folder, port), ...environment };
  await applyTenants(program, folder, tenants, everything);
  const server = await SpawnedServer.start({
    argv: [process.execPath, program, "start"],
    isUp: () => portAnswers(port),
    logPath: join(folder, "carpool.log"),
    environment: everything,
    stopSignal: "SIGTERM",
  });
  return {
    port,
    pid: server.pid,
    version: await version(program),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function placesOf(folder: string, port: number): Record<string, string> {
  return {
    LISTEN_ADDRESS: "127.0.0.1",
    PROXY_PORT_TRANSACTION: String(port),
    PROXY_PORT_SESSION: String(freePort()),
    PROXY_PORT_NATIVE: String(freePort()),
    PORT: String(freePort()),
    DATA_DIRECTORY: folder,
    DATABASE_URL: `sqlite:${join(folder, "carpool.sqlite")}`,
  };
}

async function applyTenants(
  program: string,
  folder: string,
  tenants: readonly object[],
  environment: Record<string, string>,
): Promise<void> {
  const file = join(folder, "tenants.json");
  await writeFile(file, JSON.stringify(tenants), { mode: 0o600 });
  const apply = Bun.spawn([process.execPath, program, "apply", file], {
    env: { ...Bun.env, ...environment },
    stdout: "pipe",
    stderr: "pipe",
  });
  const output = await Promise.all([
    new Response(apply.stdout).text(),
    new Response(apply.stderr).text(),
  ]);
  if ((await apply.exited) !== 0) throw new Error(`carpool apply failed:\n${output.join("")}`);
}

function tenantOf({ database, poolSize, clientsMax }: PeerSettings): object {
  const { host, port, user, password, database: name } = database.target;
  return {
    external_id: TENANT,
    db_host: host,
    db_port: port,
    db_database: name,
    require_user: true,
    default_pool_size: poolSize,
    default_max_clients: clientsMax + 100,
    users: [
      {
        db_user_alias: user,
        db_user: user,
        db_password: password,
        mode_type: "transaction",
        pool_size: poolSize,
      },
    ],
  };
}

function programOf(repository: string): string {
  return join(repository, "src", "cli", "main.ts");
}

async function version(program: string): Promise<string> {
  const text = await Bun.$`${process.execPath} ${program} --version`.quiet().nothrow().text();
  return `Carpool ${text.trim()}`;
}
