/**
 * A listener on a free loopback port with a fake clock and a log that remembers, and the transports it took.
 */

import { connect, type Socket } from "node:net";
import type { LogFields, Logger } from "../../../src/base/logger.ts";
import { KernelOptions } from "../../../src/net/kernel-options.ts";
import { type Listener, listen } from "../../../src/net/listener.ts";
import type { NetEnvironment } from "../../../src/net/net-environment.ts";
import type { Transport } from "../../../src/net/transport.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { RecordingHandler } from "./recording-handler.ts";

export class MemoryLogger implements Logger {
  readonly errors: string[] = [];

  debug(): void {}
  info(): void {}
  warn(): void {}

  error(fields: LogFields, message: string): void {
    this.errors.push(`${message}: ${String(fields["error"])}`);
  }
}

/** A transport that a {@link NetFixture} took, with the handler it was given. */
export interface Accepted {
  readonly transport: Transport;
  readonly handler: RecordingHandler;
}

export class NetFixture implements AsyncDisposable {
  readonly clock = new FakeClock();
  readonly logger = new MemoryLogger();
  readonly environment: NetEnvironment;
  readonly listener: Listener;
  readonly #accepted: Accepted[] = [];
  readonly #peers: Socket[] = [];
  #waiting: ((accepted: Accepted) => void) | null = null;

  constructor() {
    this.environment = { clock: this.clock, logger: this.logger, kernel: new KernelOptions() };
    const onConnection = (transport: Transport) => this.#take(transport);
    const options = { hostname: "127.0.0.1", port: 0, backlog: 64, onConnection };
    this.listener = listen(options, this.environment);
  }

  /** Connects a plain peer, written against node:net, and resolves with both ends. */
  async connect(): Promise<Accepted & { readonly peer: Socket }> {
    const { promise, resolve } = Promise.withResolvers<Accepted>();
    this.#waiting = resolve;
    const peer = connect({ host: "127.0.0.1", port: this.listener.port, allowHalfOpen: true });
    peer.on("error", () => {}); // a reset is what some tests are about; its close is what they wait for
    this.#peers.push(peer);
    return { ...(await promise), peer };
  }

  /** Resolves with the next transport that is taken. */
  next(): Promise<Accepted> {
    const { promise, resolve } = Promise.withResolvers<Accepted>();
    this.#waiting = resolve;
    return promise;
  }

  /** A round trip on a connection of its own: what came to other sockets before it has been handled by then. */
  async roundTrip(): Promise<void> {
    const { handler, peer } = await this.connect();
    peer.write("ping");
    await handler.untilText("ping");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.listener.stop();
    for (const peer of this.#peers) peer.destroy();
    for (const { transport } of this.#accepted) transport.destroy();
  }

  #take(transport: Transport): void {
    const handler = new RecordingHandler();
    transport.handler = handler;
    const accepted = { transport, handler };
    this.#accepted.push(accepted);
    this.#waiting?.(accepted);
  }
}

/**
 * Pauses `transport` (twice) inside every chunk, and resumes it after the round of events.
 * Returns how often a chunk came in spite of that.
 */
export function pauseAtEveryChunk(transport: Transport, handler: RecordingHandler) {
  const paused = { now: false, broken: 0 };
  handler.beforeBytes = () => {
    if (paused.now) paused.broken += 1;
    paused.now = true;
    transport.pause();
    transport.pause();
    setImmediate(() => {
      paused.now = false;
      transport.resume();
    });
  };
  return paused;
}
