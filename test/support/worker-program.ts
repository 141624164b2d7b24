/**
 * The `carpool` program with several worker processes, which a test kills: tells which worker a connection has come to.
 */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { Ownership } from "../../src/cluster/ownership.ts";
import { until } from "./deadline.ts";
import { type ProgramEnvironment, RunningProgram } from "./running-program.ts";

const READY = "carpool is ready";

/** Columns of /proc/net/tcp. */
const [LOCAL, REMOTE, INODE] = [1, 2, 9];

export class WorkerProgram implements AsyncDisposable {
  readonly #program: RunningProgram;
  /** By worker. */
  readonly #processIds: number[];

  private constructor(program: RunningProgram, processIds: number[]) {
    this.#program = program;
    this.#processIds = processIds;
  }

  /** Starts it in `folder`, which has its tenants, and waits until it is ready. */
  static async start(
    folder: string,
    workers: number,
    environment: ProgramEnvironment = {},
  ): Promise<WorkerProgram> {
    const settings = { WORKERS: String(workers), ...environment };
    const program = new RunningProgram(["start"], folder, settings);
    await program.until(READY);
    return new WorkerProgram(program, [...childrenOf(program.process.pid)]);
  }

  /** What it has logged. */
  get out(): string {
    return this.#program.out;
  }

  portOf(mode: "transaction" | "session" | "native"): number {
    return Number(new RegExp(`"${mode}":(\\d+)`).exec(this.out)?.[1]);
  }

  /** The worker that owns a tenant which has one owner. */
  ownerOf(tenant: string): number {
    return new Ownership(this.#processIds.length).ranking(tenant)[0] ?? 0;
  }

  processIdOf(worker: number): number {
    return this.#processIds[worker] ?? 0;
  }

  /** The worker that has accepted the connection between these ports; -1: none has. */
  workerAt(port: number, clientPort: number): number {
    const socket = `socket:[${inodeOf(port, clientPort)}]`;
    return this.#processIds.findIndex((processId) => hasOpen(processId, socket));
  }

  /** Kills a worker, and returns once the next one in its place is being started. */
  async kill(worker: number): Promise<void> {
    const parent = this.#program.process.pid;
    const before = childrenOf(parent);
    process.kill(this.processIdOf(worker), "SIGKILL");
    await until("another process is in the worker's place", () => {
      const fresh = childrenOf(parent).find((child) => !before.includes(child));
      if (fresh !== undefined) this.#processIds[worker] = fresh;
      return fresh !== undefined;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#program[Symbol.asyncDispose]();
  }
}

/** The processes that `parent` has started and not waited for, in the order of their starts. */
function childrenOf(parent: number): readonly number[] {
  const path = `/proc/${parent}/task/${parent}/children`;
  return readFileSync(path, "utf8").split(" ").filter(Boolean).map(Number);
}

/** The inode of the socket at `port` to whoever comes from `clientPort`. */
function inodeOf(port: number, clientPort: number): string | undefined {
  const rows = readFileSync("/proc/net/tcp", "utf8").split("\n");
  const fields = rows.map((row) => row.trim().split(/\s+/));
  const [local, remote] = [inHex(port), inHex(clientPort)];
  return fields.find((row) => row[LOCAL]?.endsWith(local) && row[REMOTE]?.endsWith(remote))?.[
    INODE
  ];
}

function inHex(port: number): string {
  return `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
}

function hasOpen(processId: number, target: string): boolean {
  const folder = `/proc/${processId}/fd`;
  return readdirSync(folder).some((name) => {
    try {
      return readlinkSync(`${folder}/${name}`) === target;
    } catch {
      return false; // closed meanwhile
    }
  });
}
