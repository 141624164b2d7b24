/**
 * One measured client: a socket, perhaps TLS, its login, the scenario's setup, and then closed loops on
 * demand. The first thing that goes wrong rejects whatever is awaited; a client that failed is of no more use.
 */

import type { Socket } from "bun";
import type { Scenario } from "../scenarios/scenario.ts";
import { ClosedLoop } from "./closed-loop.ts";
import { sslRequest, terminate } from "./frontend-messages.ts";
import type { LatencyHistogram } from "./latency-histogram.ts";
import type { LoadTarget } from "./load-target.ts";
import { Login } from "./login.ts";
import type { SaltedPasswords } from "./password-exchange.ts";

type Phase = "securing" | "login" | "setup" | "ready" | "running" | "closed";

/** What a client is to do, and how it gets in. */
export interface LoadClientOptions {
  readonly target: LoadTarget;
  readonly scenario: Scenario;
  readonly saltedPasswords: SaltedPasswords;
  /** Which of the scenario's transactions it begins with. */
  readonly first: number;
}

/**
 * One handler object for all clients; which client it is stands in `socket.data`. After an upgrade to TLS
 * the old socket goes on sending events with ciphertext: it is no longer the client's, and is ignored.
 */
const HANDLERS = {
  open: (socket: Socket<LoadClient>) => socket.data.opened(socket),
  data: (socket: Socket<LoadClient>, chunk: Buffer) => socket.data.receive(socket, chunk),
  close: (socket: Socket<LoadClient>) => socket.data.closed(socket),
  error: (socket: Socket<LoadClient>, error: Error) => socket.data.fail(error),
};

const TLS_HANDLERS = {
  ...HANDLERS,
  open: (socket: Socket<LoadClient>) => socket.data.adopt(socket),
  handshake: (socket: Socket<LoadClient>, success: boolean) => socket.data.secured(success),
};

/** The answer to an SSLRequest that TLS may begin. */
const SSL_ACCEPTED = "S";

export class LoadClient {
  readonly #scenario: Scenario;
  readonly #login: Login;
  readonly #setup: ClosedLoop;
  readonly #transaction: ClosedLoop;
  readonly #gone = Promise.withResolvers<void>();

  #socket: Socket<LoadClient> | null = null;
  #phase: Phase;
  #awaited = Promise.withResolvers<void>();
  #histogram: LatencyHistogram | null = null;
  #deadlineMs = 0;
  #startedMs = 0;
  #transactions = 0;

  private constructor({ target, scenario, saltedPasswords, first }: LoadClientOptions) {
    const write = (bytes: Buffer) => this.#write(bytes);
    this.#scenario = scenario;
    this.#phase = scenario.tls ? "securing" : "login";
    this.#login = new Login(target, saltedPasswords, write);
    this.#setup = new ClosedLoop(scenario.setups, write, first);
    this.#transaction = new ClosedLoop(scenario.transactions, write, first);
  }

  /** Of this end of its connection; 0 without one. */
  get port(): number {
    return this.#socket?.localPort ?? 0;
  }

  /** Resolves once the client is logged in and set up. */
  static async connect(options: LoadClientOptions): Promise<LoadClient> {
    const client = new LoadClient(options);
    const { host: hostname, port } = options.target;
    await Bun.connect({ hostname, port, data: client, socket: HANDLERS });
    await client.#awaited.promise;
    return client;
  }

  /**
   * Transactions one after the other until `deadlineMs` (of `performance.now()`), the last one
   * finished after it. Each is recorded in `histogram`. Returns how many there were.
   */
  async run(deadlineMs: number, histogram: LatencyHistogram): Promise<number> {
    this.#histogram = histogram;
    this.#deadlineMs = deadlineMs;
    this.#transactions = 0;
    this.#startedMs = performance.now();
    this.#begin();
    await this.#awaited.promise;
    return this.#transactions;
  }

  /** One transaction that nobody times. */
  async runOnce(): Promise<void> {
    this.#histogram = null;
    this.#deadlineMs = 0;
    this.#begin();
    await this.#awaited.promise;
  }

  /** Says goodbye as a driver does. Resolves once the connection is closed. */
  close(): Promise<void> {
    this.#phase = "closed";
    this.#socket?.write(terminate());
    this.#socket?.end();
    return this.#gone.promise;
  }

  /** For the socket only. */
  opened(socket: Socket<LoadClient>): void {
    this.#socket = socket;
    if (this.#phase === "securing") this.#write(sslRequest());
    else this.#login.start();
  }

  /** For the socket only: it is the encrypted one. */
  adopt(socket: Socket<LoadClient>): void {
    this.#socket = socket;
  }

  /** For the socket only. */
  secured(success: boolean): void {
    if (!success) return this.fail(new Error("the TLS handshake failed"));
    this.#phase = "login";
    this.#login.start();
  }

  /** For the socket only. */
  receive(socket: Socket<LoadClient>, chunk: Buffer): void {
    if (socket !== this.#socket) return;
    if (this.#phase === "running") {
      if (this.#transaction.receive(chunk)) this.#finishTransaction();
    } else if (this.#phase === "securing") {
      this.#startTls(socket, chunk);
    } else if (this.#phase === "login") {
      if (this.#login.receive(chunk)) this.#beginSetup();
    } else if (this.#phase === "setup") {
      if (this.#setup.receive(chunk)) this.#becomeReady();
    } else if (this.#phase === "ready") {
      throw new Error("bytes arrived that nobody asked for");
    }
  }

  /** For the socket only. */
  closed(socket: Socket<LoadClient>): void {
    if (socket !== this.#socket) return;
    this.#gone.resolve();
    this.fail(new Error("the connection was closed"));
  }

  /** For the socket only. */
  fail(error: Error): void {
    if (this.#phase !== "closed") this.#awaited.reject(error);
  }

  #begin(): void {
    this.#phase = "running";
    this.#awaited = Promise.withResolvers();
    this.#transaction.begin();
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

  #startTls(socket: Socket<LoadClient>, answer: Buffer): void {
    if (answer.toString("latin1") !== SSL_ACCEPTED) throw new Error("TLS was refused");
    // Who the server is does not matter here: it is on this machine, and was started by the bench.
    socket.upgradeTLS({ tls: { rejectUnauthorized: false }, data: this, socket: TLS_HANDLERS });
  }

  #beginSetup(): void {
    if (this.#scenario.setups.length === 0) {
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
