/**
 * A pooler in a process of its own, so that its memory and its descriptors are nobody else's.
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Subprocess } from "bun";
import type { PostgresBehind, TestPoolerOptions } from "./pooler.ts";

export interface SpawnedPoolerOptions
  extends Pick<TestPoolerOptions, "env" | "config" | "tenant" | "hop"> {
  /** Tenants beside `dev`: their names, and the ports of their servers. */
  readonly others?: Readonly<Record<string, number>>;
}

/** What the process is told when it starts. */
export interface PoolerOrder {
  readonly postgres: PostgresBehind;
  readonly options: SpawnedPoolerOptions;
}

/** What it tells of itself. */
export interface PoolerReport {
  readonly port: number;
  readonly clients: number;
  readonly desyncTotal: number;
  readonly internalErrorsTotal: number;
}

const PROGRAM = fileURLToPath(new URL("pooler-process.ts", import.meta.url));

const KILOBYTE = 1024;

export class SpawnedPooler implements AsyncDisposable {
  readonly #process: Subprocess<"ignore", "inherit", "inherit">;
  readonly #order: PoolerOrder;
  #reported: PromiseWithResolvers<PoolerReport> = Promise.withResolvers();
  #port = 0;

  private constructor(order: PoolerOrder) {
    this.#order = order;
    this.#process = Bun.spawn([process.execPath, PROGRAM], {
      stdio: ["ignore", "inherit", "inherit"],
      ipc: (report: PoolerReport) => this.#reported.resolve(report),
    });
    this.#process.send(order);
  }

  /** Starts one, with a tenant `dev` that leads to `postgres`. */
  static async start(
    postgres: PostgresBehind,
    options: SpawnedPoolerOptions = {},
  ): Promise<SpawnedPooler> {
    const { port, superuser, password } = postgres;
    const pooler = new SpawnedPooler({ postgres: { port, superuser, password }, options });
    pooler.#port = (await pooler.#reported.promise).port;
    return pooler;
  }

  /** Where a client connects to. */
  target(tenant = "dev") {
    const { superuser, password } = this.#order.postgres;
    return {
      host: "127.0.0.1",
      port: this.#port,
      user: `${superuser}.${tenant}`,
      password,
      database: "postgres",
    };
  }

  /** What it counts, after a garbage collection. One call at a time. */
  report(): Promise<PoolerReport> {
    this.#reported = Promise.withResolvers();
    this.#process.send("report");
    return this.#reported.promise;
  }

  /** Resident memory now. */
  get residentBytes(): number {
    return this.#status("VmRSS");
  }

  /** The most that was resident since {@link forgetPeak}. */
  get peakBytes(): number {
    return this.#status("VmHWM");
  }

  /** Source: clear_refs in proc_pid_clear_refs(5). */
  forgetPeak(): void {
    writeFileSync(`/proc/${this.#process.pid}/clear_refs`, "5");
  }

  /** How many files and sockets it has open. */
  get descriptors(): number {
    return readdirSync(`/proc/${this.#process.pid}/fd`).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.disconnect();
    await this.#process.exited;
  }

  #status(name: string): number {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, "latin1");
    const line = status.split("\n").find((text) => text.startsWith(`${name}:`)) ?? "";
    return Number.parseInt(line.slice(name.length + 1), 10) * KILOBYTE;
  }
}
