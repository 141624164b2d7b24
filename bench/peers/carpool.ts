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
  const program = join(repository, "src", "cli", "main.ts");
  return {
    name,
    scenarios: null,
    unavailable: () => Promise.resolve(null),
    start: (settings) => start(program, settings),
  };
}

export const CARPOOL = carpoolOf("carpool", REPOSITORY);

async function start(program: string, settings: PeerSettings): Promise<RunningPeer> {
  const port = freePort();
  const environment = environmentOf(settings, port);
  await applyTenants(program, settings, environment);
  const server = await SpawnedServer.start({
    argv: [process.execPath, program, "start"],
    isUp: () => portAnswers(port),
    logPath: join(settings.folder, "carpool.log"),
    environment,
    stopSignal: "SIGTERM",
  });
  return {
    target: { ...settings.database.target, port },
    pid: server.pid,
    version: await version(program),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Its defaults, but for ports and folders; DEFAULT_TENANT takes the plain user name that PgBouncer takes. */
function environmentOf(
  { folder, clientsMax, certificate }: PeerSettings,
  port: number,
): Record<string, string> {
  return {
    GLOBAL_DOWNSTREAM_CERT_PATH: certificate.certificate,
    GLOBAL_DOWNSTREAM_KEY_PATH: certificate.key,
    WORKERS: "1", // one process beside one process
    LISTEN_ADDRESS: "127.0.0.1",
    PROXY_PORT_TRANSACTION: String(port),
    PROXY_PORT_SESSION: String(freePort()),
    PROXY_PORT_NATIVE: String(freePort()),
    PORT: String(freePort()),
    DATA_DIRECTORY: folder,
    DATABASE_URL: `sqlite:${join(folder, "carpool.sqlite")}`,
    DEFAULT_TENANT: TENANT,
    MAX_CONNECTIONS: String(clientsMax + 100),
  };
}

async function applyTenants(
  program: string,
  settings: PeerSettings,
  environment: Record<string, string>,
): Promise<void> {
  const file = join(settings.folder, "tenants.json");
  await writeFile(file, JSON.stringify([tenantOf(settings)]), { mode: 0o600 });
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

async function version(program: string): Promise<string> {
  const text = await Bun.$`${process.execPath} ${program} --version`.quiet().nothrow().text();
  return `Carpool ${text.trim()}`;
}
