/**
 * One measured client: a socket, its login, the scenario's setup, and then closed loops on demand.
 * The first thing that goes wrong rejects whatever is awaited; a client that failed is of no more use.
 */

import type { Socket } from "bun";
import type { Scenario } from "../scenarios/scenario.ts";
import { ClosedLoop } from "./closed-loop.ts";
import { terminate } from "./frontend-messages.ts";
import type { LatencyHistogram } from "./latency-histogram.ts";
import type { LoadTarget } from "./load-target.ts";
import { Login } from "./login.ts";

type Phase = "login" | "setup" | "ready" | "running" | "closed";

/** One handler object for all clients; which client it is stands in `socket.data`. */
const HANDLERS = {
  open: (socket: Socket<LoadClient>) => socket.data.opened(socket),
  data: (socket: Socket<LoadClient>, chunk: Buffer) => socket.data.receive(chunk),
  close: (socket: Socket<LoadClient>) => socket.data.fail(new Error("the connection was closed")),
  error: (socket: Socket<LoadClient>, error: Error) => socket.data.fail(error),
};

export class LoadClient {
  readonly #scenario: Scenario;
  readonly #login: Login;
  readonly #setup: ClosedLoop;
  readonly #transaction: ClosedLoop;

  #socket: Socket<LoadClient> | null = null;
  #phase: Phase = "login";
  #awaited = Promise.withResolvers<void>();
  #histogram: LatencyHistogram | null = null;
  #deadlineMs = 0;
  #startedMs = 0;
  #transactions = 0;

  private constructor(target: LoadTarget, scenario: Scenario) {
    const write = (bytes: Buffer) => this.#write(bytes);
    this.#scenario = scenario;
    this.#login = new Login(target, write);
    this.#setup = new ClosedLoop(scenario.setup, write);
    this.#transaction = new ClosedLoop(scenario.transaction, write);
  }

  /** Resolves once the client is logged in and set up. */
  static async connect(target: LoadTarget, scenario: Scenario): Promise<LoadClient> {
    const client = new LoadClient(target, scenario);
    const { host: hostname, port } = target;
    await Bun.connect({ hostname, port, data: client, socket: HANDLERS });
    await client.#awaited.promise;
    return client;
  }

  /**
   * Transactions one after the other until `deadlineMs` (of `performance.now()`), the last one
   * finished after it. Each is recorded in `histogram`. Returns how many there were.
   */
  async run(deadlineMs: number, histogram: LatencyHistogram): Promise<number> {
    this.#phase = "running";
    this.#awaited = Promise.withResolvers();
    this.#histogram = histogram;
    this.#deadlineMs = deadlineMs;
    this.#transactions = 0;
    this.#startedMs = performance.now();
    this.#transaction.begin();
    await this.#awaited.promise;
    return this.#transactions;
  }

  /** Says goodbye as a driver does. */
  close(): void {
    this.#phase = "closed";
    this.#socket?.write(terminate());
    this.#socket?.end();
  }

  /** For the socket only. */
  opened(socket: Socket<LoadClient>): void {
    this.#socket = socket;
    this.#login.start();
  }

  /** For the socket only. */
  receive(chunk: Buffer): void {
    if (this.#phase === "running") {
      if (this.#transaction.receive(chunk)) this.#finishTransaction();
    } else if (this.#phase === "login") {
      if (this.#login.receive(chunk)) this.#beginSetup();
    } else if (this.#phase === "setup") {
      if (this.#setup.receive(chunk)) this.#becomeReady();
    } else if (this.#phase === "ready") {
      throw new Error("bytes arrived that nobody asked for");
    }
  }

  /** For the socket only. */
  fail(error: Error): void {
    if (this.#phase !== "closed") this.#awaited.reject(error);
  }

  #finishTransaction(): void {
    const nowMs = performance.now();
    this.#histogram?.record((nowMs - this.#startedMs) * 1000);
    this.#transactions += 1;
    if (nowMs >= this.#deadlineMs) {
      this.#becomeReady();
      return;
    }
    this.#startedMs = nowMs;
    this.#transaction.begin();
  }

  #beginSetup(): void {
    if (this.#scenario.setup.length === 0) {
      this.#becomeReady();
      return;
    }
    this.#phase = "setup";
    this.#setup.begin();
  }

  #becomeReady(): void {
    this.#phase = "ready";
    this.#awaited.resolve();
  }

  /** Requests are smaller than any socket buffer, and one is under way at a time: all or nothing. */
  #write(bytes: Buffer): void {
    const written = this.#socket?.write(bytes);
    if (written !== bytes.length)
      throw new Error(`only ${written} of ${bytes.length} bytes written`);
  }
}
