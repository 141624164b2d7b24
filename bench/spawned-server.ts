/**
 * A server program as a child process: started, waited for until it is up, stopped.
 */

import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Subprocess } from "bun";

const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 5_000;
const POLL_MS = 20;
const LOG_TAIL_BYTES = 2_000;

export interface ServerCommand {
  readonly argv: readonly string[];
  /** Whether it takes connections yet. Asked until it does. */
  readonly isUp: () => Promise<boolean>;
  /** Gets the server's standard output and error. */
  readonly logPath: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Which signal makes it close its connections and leave. */
  readonly stopSignal: NodeJS.Signals;
  /** Who it runs as; absent: whoever runs the bench. */
  readonly account?: Account | null;
}

/** A user and group id. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export class SpawnedServer implements AsyncDisposable {
  readonly #process: Subprocess;
  readonly #command: ServerCommand;

  private constructor(process: Subprocess, command: ServerCommand) {
    this.#process = process;
    this.#command = command;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Resolves once it is up. Throws with the tail of the log when the program ends before, or takes too long. */
  static async start(command: ServerCommand): Promise<SpawnedServer> {
    const log = openSync(command.logPath, "a");
    const process = Bun.spawn([...command.argv], {
      stdin: "ignore",
      stdout: log,
      stderr: log,
      env: { ...Bun.env, ...command.environment },
      ...command.account,
    });
    closeSync(log);
    const server = new SpawnedServer(process, command);
    try {
      await server.#untilUp();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill(this.#command.stopSignal);
    const gone = await Promise.race([
      this.#process.exited.then(() => true),
      Bun.sleep(STOP_TIMEOUT_MS).then(() => false),
    ]);
    if (!gone) this.#process.kill("SIGKILL");
    await this.#process.exited;
  }

  async #untilUp(): Promise<void> {
    const deadlineMs = performance.now() + START_TIMEOUT_MS;
    while (!(await this.#command.isUp())) {
      const ended = this.#process.exitCode !== null || this.#process.signalCode !== null;
      if (ended || performance.now() > deadlineMs) throw await this.#startError(ended);
      await Bun.sleep(POLL_MS);
    }
  }

  async #startError(ended: boolean): Promise<Error> {
    const { argv, logPath } = this.#command;
    const tail = (await readFile(logPath, "utf8")).slice(-LOG_TAIL_BYTES);
    const what = ended ? "ended before it was up" : "was not up in time";
    return new Error(`${argv.join(" ")} ${what}; its log ends:\n${tail}`);
  }
}

/** A TCP port that nobody listens on at this moment. */
export function freePort(): number {
  const listener = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    socket: { data: () => undefined },
  });
  const { port } = listener;
  listener.stop(true);
  return port;
}

/** `nobody` for root, since PostgreSQL and PgBouncer refuse to run as root; null (stay yourself) for everyone else. */
export function unprivilegedAccount(): Account | null {
  return process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : null;
}

/** Whether somebody listens on the TCP port of 127.0.0.1. */
export async function portAnswers(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: { data: () => undefined },
    });
    socket.end();
    return true;
  } catch {
    return false;
  }
}
