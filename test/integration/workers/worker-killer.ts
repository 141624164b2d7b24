/**
 * Kills workers of a running node, or stops them, and knows who sat on them.
 */

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { until } from "../../support/deadline.ts";
import { eventually } from "../../support/eventually.ts";
import { isProcessAlive } from "../../support/process-alive.ts";
import type { Loss } from "../chaos/swarm.ts";
import { ConnectionLostError, type WireClient } from "../chaos/wire-client.ts";

/** What a client is told that was about to log in while its tenant's worker was away. */
const AWAY = "57P03";

/** A line of proc_net_tcp(5): the remote port and the inode. */
const SOCKET_LINE =
  /^\s*\d+: [\dA-F]{8}:[\dA-F]{4} [\dA-F]{8}:([\dA-F]{4}) \S+ \S+ \S+ \S+ +\d+ +\d+ (\d+) /;

interface Death {
  readonly killedMs: number;
  /** When the kernel had closed all that it had; infinite: it has not yet. */
  goneMs: number;
  /** When the next one served; infinite: it does not yet. */
  backMs: number;
}

export class WorkerKiller {
  readonly deaths: Death[] = [];
  readonly #supervisor: number;
  readonly #random: () => number;
  /** Ports of clients that sat on a killed worker, and when it was killed. */
  readonly #condemned = new Map<number, number>();

  /** @param supervisor its process */
  constructor(supervisor: number, random: () => number) {
    this.#supervisor = supervisor;
    this.#random = random;
  }

  /** The processes of the workers that are there now. */
  get workers(): readonly number[] {
    const path = `/proc/${this.#supervisor}/task/${this.#supervisor}/children`;
    return readFileSync(path, "utf8").split(" ").filter(Boolean).map(Number);
  }

  /** Kills one of the workers, whatever it does. Resolves when it is gone. */
  async killOne(): Promise<void> {
    await this.#kill([this.#pick()]);
  }

  /** Kills several at once. Resolves when they are gone. */
  async killMany(count: number): Promise<void> {
    const { workers } = this;
    const first = Math.floor(this.#random() * workers.length);
    await this.#kill([...workers, ...workers].slice(first, first + count));
  }

  /** Stops one of the workers. Resolves when somebody has killed it. */
  async freezeOne(timeoutMs: number): Promise<void> {
    const victim = this.#pick();
    const death = this.#stop(victim);
    await eventually(() => {
      if (isProcessAlive(victim)) throw new Error(`the worker is stopped, and not gone`);
    }, timeoutMs);
    death.goneMs = performance.now();
  }

  /** All of them serve again: from now on nobody has to wait. */
  allServe(): void {
    for (const death of this.deaths)
      if (death.backMs === Number.POSITIVE_INFINITY) death.backMs = performance.now();
  }

  /** Whether a client sat on a worker when that was killed or stopped. */
  isCondemned({ localPort, connectedMs }: WireClient): boolean {
    return (this.#condemned.get(localPort) ?? 0) > connectedMs;
  }

  #pick(): number {
    const { workers } = this;
    const victim = workers[Math.floor(this.#random() * workers.length)];
    if (victim === undefined) throw new Error("there is no worker");
    return victim;
  }

  async #kill(victims: readonly number[]): Promise<void> {
    const deaths = victims.map((victim) => this.#stop(victim));
    for (const victim of victims) process.kill(victim, "SIGKILL");
    await until("the workers are gone", () => !victims.some(isProcessAlive));
    for (const death of deaths) death.goneMs = performance.now();
  }

  /** Nobody comes between the look at it and its end. */
  #stop(victim: number): Death {
    process.kill(victim, "SIGSTOP");
    const death: Death = {
      killedMs: performance.now(),
      goneMs: Number.POSITIVE_INFINITY,
      backMs: Number.POSITIVE_INFINITY,
    };
    this.deaths.push(death);
    for (const port of peerPortsOf(victim)) this.#condemned.set(port, death.killedMs);
    return death;
  }

  /**
   * Whether a worker's death explains it: the client sat on it; or was about to log in, there or to a tenant that
   * is served there; or the answer was cut off inside a message, behind which nothing can be said.
   */
  readonly excuses = ({ error, client, sinceMs }: Loss): boolean => {
    const sawDeath = this.deaths.some(({ goneMs }) => goneMs > sinceMs);
    if (client === null && isTold(error))
      return error.said?.sqlstate === AWAY && this.deaths.some(({ backMs }) => backMs > sinceMs);
    if (client === null) return sawDeath;
    if (isTold(error)) return false;
    return this.isCondemned(client) || (sawDeath && client.isCutOff);
  };
}

function isTold(error: unknown): error is ConnectionLostError {
  return error instanceof ConnectionLostError && error.said !== null;
}

/** Whom a process has TCP connections with: their ports. */
function peerPortsOf(processId: number): readonly number[] {
  const inodes = new Set(readdirSync(`/proc/${processId}/fd`).map((fd) => inodeOf(processId, fd)));
  const ports: number[] = [];
  for (const line of readFileSync(`/proc/${processId}/net/tcp`, "latin1").split("\n")) {
    const [, port = "", inode = ""] = SOCKET_LINE.exec(line) ?? [];
    if (inodes.has(inode)) ports.push(Number.parseInt(port, 16));
  }
  return ports;
}

function inodeOf(processId: number, descriptor: string): string {
  try {
    return (
      /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${processId}/fd/${descriptor}`))?.[1] ?? ""
    );
  } catch {
    return ""; // closed meanwhile
  }
}
