/**
 * A real PostgreSQL as a child process: for the quick start and for tests.
 * Makes its cluster where there is none, listens on the loopback interface only, and is gone when this
 * process is, whatever ended it. Works for ordinary users and for root.
 */

import { type FileHandle, open } from "node:fs/promises";
import { join, resolve } from "node:path";
import { findFreePort, isPortFree } from "../listening/free-port.ts";
import { isMissing } from "../system/is-missing.ts";
import { guardAgainstOrphan, type OrphanGuard } from "../system/orphan-guard.ts";
import { ACCOUNT_ENVIRONMENT, type Account, accountForCluster } from "./postgres-account.ts";
import { type PostgresBinaries, usableBinaries } from "./postgres-binaries.ts";
import { type ClusterOptions, ensureCluster } from "./postgres-cluster.ts";
import { EmbeddedPostgresError } from "./postgres-error.ts";

export interface EmbeddedPostgresOptions extends ClusterOptions {
  /** An installation with `bin`, `lib` and `share`: see `locateBinaries`. */
  readonly binariesDirectory: string;
  /** Where a copy of the programs is put, and found again, if PostgreSQL's account can't run the originals. */
  readonly stagingDirectory: string;
  /** On 127.0.0.1; 0: a free one. */
  readonly port: number;
  /** Server settings by their names in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
}

/**
 * How PostgreSQL is told to end. `fast` aborts transactions and writes a checkpoint; `immediate` leaves
 * the rest to the next start's recovery: for clusters that are thrown away.
 */
export type StopMode = "fast" | "immediate";

/** Longer than any recovery of a development database; pg_ctl waits 60 s as well. */
const START_DEADLINE_MS = 60_000;
/** A fast shutdown that takes longer becomes an immediate one. */
const STOP_DEADLINE_MS = 10_000;
/** How often postmaster.pid is read: PostgreSQL offers a file, not an event. */
const READY_POLL_MS = 10;
/** A port that was free may be taken when PostgreSQL comes to it: then another one is tried. */
const START_ATTEMPTS_MAX = 3;
/** The log of former starts is kept until it is longer than this. */
const LOG_BYTES_MAX = 8 * 1024 * 1024;
/** How much of PostgreSQL's log an error carries. */
const LOG_TAIL_BYTES = 4096;

type PostgresProcess = Bun.Subprocess<"ignore", number, number>;

export class EmbeddedPostgres {
  /** On 127.0.0.1. */
  readonly port: number;
  readonly majorVersion: number;
  /** Of the postmaster. */
  readonly processId: number;
  /** Beside the data directory: `<dataDirectory>.log`. */
  readonly logFile: string;
  /** Resolves to the postmaster's exit code when it has ended, for whatever reason. */
  readonly exited: Promise<number>;
  readonly #process: PostgresProcess;
  readonly #guard: OrphanGuard;

  constructor(
    process: PostgresProcess,
    guard: OrphanGuard,
    facts: { readonly port: number; readonly majorVersion: number; readonly logFile: string },
  ) {
    this.port = facts.port;
    this.majorVersion = facts.majorVersion;
    this.logFile = facts.logFile;
    this.processId = process.pid;
    this.exited = process.exited;
    this.#process = process;
    this.#guard = guard;
  }

  /** Ends PostgreSQL and waits for it. Does nothing more if it has ended already. */
  async stop(mode: StopMode = "fast"): Promise<void> {
    await endProcess(this.#process, mode);
    await this.#guard.dismiss();
  }
}

/**
 * Starts PostgreSQL on the cluster in `dataDirectory`, which is made first if need be. Resolves once it accepts
 * connections. An existing cluster keeps its user, password and other initdb choices.
 * Throws {@link EmbeddedPostgresError} with the end of PostgreSQL's log; nothing is left running then.
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const dataDirectory = resolve(options.dataDirectory);
  const account = await accountForCluster(dataDirectory);
  const binaries = await usableBinaries(
    resolve(options.binariesDirectory),
    resolve(options.stagingDirectory),
    account,
  );
  await ensureCluster(binaries, account, { ...options, dataDirectory });
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port === 0 ? findFreePort() : options.port;
    try {
      // oxlint-disable-next-line no-await-in-loop -- an attempt follows the failure of the last
      return await launch(binaries, account, { ...options, dataDirectory, port });
    } catch (error) {
      const wasTaken = options.port === 0 && !isPortFree(port);
      if (!wasTaken || attempt === START_ATTEMPTS_MAX) throw error;
    }
  }
}

async function launch(
  binaries: PostgresBinaries,
  account: Account,
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const logFile = `${options.dataDirectory}.log`;
  const log = await openLog(logFile);
  try {
    const logStart = (await log.stat()).size;
    const process = Bun.spawn(postgresCommand(binaries, options), {
      ...account,
      cwd: "/",
      env: ACCOUNT_ENVIRONMENT,
      detached: true, // Ctrl-C in a terminal is ours alone: clients are sent away first
      stdin: "ignore",
      stdout: log.fd,
      stderr: log.fd,
    });
    const guard = guardAgainstOrphan(process.pid, account);
    if (await becomesReady(process, options.dataDirectory)) {
      const { majorVersion } = binaries;
      return new EmbeddedPostgres(process, guard, { port: options.port, majorVersion, logFile });
    }
    await endProcess(process, "immediate");
    await guard.dismiss();
    throw new EmbeddedPostgresError(
      `PostgreSQL ${binaries.majorVersion} did not start on port ${options.port} with ${options.dataDirectory}.`,
      await readTail(log, logStart),
    );
  } finally {
    await log.close();
  }
}

function postgresCommand(binaries: PostgresBinaries, options: EmbeddedPostgresOptions): string[] {
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    ...options.settings,
    port: String(options.port),
  };
  return [
    join(binaries.directory, "bin", "postgres"),
    "-D",
    options.dataDirectory,
    ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ];
}

/** Waits until PostgreSQL accepts connections (true), or has ended or takes too long (false). */
async function becomesReady(process: PostgresProcess, dataDirectory: string): Promise<boolean> {
  const deadline = performance.now() + START_DEADLINE_MS;
  while (process.exitCode === null && process.signalCode === null) {
    // oxlint-disable-next-line no-await-in-loop -- a poll
    if (await isReady(process.pid, dataDirectory)) return true;
    if (performance.now() > deadline) return false;
    // oxlint-disable-next-line no-await-in-loop -- its pause
    await Promise.race([process.exited, Bun.sleep(READY_POLL_MS)]);
  }
  return false;
}

/**
 * Reads postmaster.pid as pg_ctl does: line 1 is the postmaster's process id, line 8 its state. The file
 * of a crashed predecessor has another process id.
 */
async function isReady(processId: number, dataDirectory: string): Promise<boolean> {
  try {
    const lines = (await Bun.file(join(dataDirectory, "postmaster.pid")).text()).split("\n");
    return lines[0] === String(processId) && lines[7]?.trim() === "ready";
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function endProcess(process: PostgresProcess, mode: StopMode): Promise<void> {
  process.kill(mode === "fast" ? "SIGINT" : "SIGQUIT");
  const patience = setTimeout(() => process.kill("SIGQUIT"), STOP_DEADLINE_MS);
  await process.exited;
  clearTimeout(patience);
}

async function openLog(path: string): Promise<FileHandle> {
  const log = await open(path, "a+", 0o600);
  if ((await log.stat()).size > LOG_BYTES_MAX) await log.truncate(0);
  return log;
}

/** Returns the last lines written to `log` since `start`, a byte offset. */
async function readTail(log: FileHandle, start: number): Promise<string> {
  const end = (await log.stat()).size;
  const from = Math.max(start, end - LOG_TAIL_BYTES);
  const { buffer, bytesRead } = await log.read(Buffer.alloc(end - from), 0, end - from, from);
  return buffer.toString("utf8", 0, bytesRead).trim();
}
