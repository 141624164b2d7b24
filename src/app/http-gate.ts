/**
 * Stands before the HTTP server, which takes any number of connections and so could take the last
 * descriptor of the process: hundreds of idle ones, of whoever reaches the port, and no client of any
 * tenant is served any more. Here they are limited. Of too many the oldest goes: who asks something has
 * its answer by then, and who comes to look whether the process is well always gets in.
 */

import { errorMessage } from "../base/error-message.ts";
import { HTTP_CONNECTIONS_MAX } from "../config/descriptor-limit.ts";
import type { ChannelHandler } from "../net/channel.ts";
import { dialUnix } from "../net/dial-unix.ts";
import { joinChannels } from "../net/join-channels.ts";
import { type Listener, listen } from "../net/listener.ts";
import type { NetEnvironment } from "../net/net-environment.ts";
import type { Transport } from "../net/transport.ts";

/** Accept queue of each address. */
const BACKLOG = 128;

/** Until the way to the server is open, a paused connection has nothing to tell. */
const WAITING: ChannelHandler = { onBytes() {}, onDrained() {}, onClosed() {} };

export class HttpGate {
  readonly #environment: NetEnvironment;
  /** The HTTP server's socket. */
  readonly #path: string;
  readonly #listeners: Listener[] = [];
  /** The oldest first. */
  readonly #connections = new Set<Transport>();

  constructor(path: string, environment: NetEnvironment) {
    this.#path = path;
    this.#environment = environment;
  }

  /** The port, also where the system chose it. */
  get port(): number {
    return this.#listeners[0]?.port ?? 0;
  }

  /** Listens on one more address. Throws a ListenError. */
  listen(hostname: string, port: number): void {
    const onConnection = (transport: Transport): void => this.#onConnection(transport);
    this.#listeners.push(
      listen({ hostname, port, backlog: BACKLOG, onConnection }, this.#environment),
    );
  }

  /** Takes no more connections, and ends those there are. */
  stop(): void {
    for (const listener of this.#listeners) listener.stop();
    for (const transport of this.#connections) transport.destroy();
    this.#connections.clear();
  }

  #onConnection(transport: Transport): void {
    transport.handler = WAITING;
    transport.pause();
    this.#connections.add(transport);
    for (const known of this.#connections) if (known.closed) this.#connections.delete(known);
    for (const known of this.#connections)
      if (this.#connections.size > HTTP_CONNECTIONS_MAX) this.#dismiss(known);
    void this.#forward(transport);
  }

  #dismiss(transport: Transport): void {
    this.#connections.delete(transport);
    transport.destroy();
  }

  async #forward(transport: Transport): Promise<void> {
    try {
      const server = await dialUnix(this.#path, this.#environment);
      joinChannels(transport, server);
      if (transport.closed) server.destroy();
    } catch (error) {
      this.#environment.logger.warn({ reason: errorMessage(error) }, "an HTTP connection was lost");
      this.#dismiss(transport);
    }
  }
}
