/**
 * Stands before the HTTP interface, whose servers take any number of connections and so could take the last
 * descriptor of the process: hundreds of idle ones, of whoever reaches the port, and no client of any
 * tenant is served any more. Here they are limited. Of too many the oldest goes, one on which nothing is
 * asked before any other: so who comes to look whether the process is well always gets in.
 */

import { errorMessage } from "../../base/error-message.ts";
import { HTTP_CONNECTIONS_MAX } from "../../config/descriptor-limit.ts";
import type { ChannelHandler } from "../../net/channel.ts";
import { dialUnix } from "../../net/dial-unix.ts";
import { joinChannels } from "../../net/join-channels.ts";
import { type Listener, type ListenOptions, listen } from "../../net/listener.ts";
import type { NetEnvironment } from "../../net/net-environment.ts";
import type { Transport } from "../../net/transport.ts";
import type { HttpDoor } from "./http-door.ts";

/** Accept queue of each address. */
const BACKLOG = 128;

/** Until the way to the server is open, a paused connection has nothing to tell. */
const WAITING: ChannelHandler = { onBytes() {}, onDrained() {}, onClosed() {} };

export class HttpGate {
  readonly #environment: NetEnvironment;
  /** Opens a way to the HTTP interface for one connection, of whom it is told the address. */
  readonly #openDoor: (address: string) => HttpDoor;
  readonly #listeners: Listener[] = [];
  /** The oldest first, each with its way to the HTTP interface. */
  readonly #connections = new Map<Transport, HttpDoor>();

  constructor(openDoor: (address: string) => HttpDoor, environment: NetEnvironment) {
    this.#openDoor = openDoor;
    this.#environment = environment;
  }

  /** The port, also where the system chose it. */
  get port(): number {
    return this.#listeners[0]?.port ?? 0;
  }

  /** Listens on one more address, by a socket of its own or the one that is given. Throws a ListenError. */
  listen(place: Pick<ListenOptions, "hostname" | "port" | "descriptor">): void {
    const onConnection = (transport: Transport): void => this.#onConnection(transport);
    this.#listeners.push(listen({ ...place, backlog: BACKLOG, onConnection }, this.#environment));
  }

  /** Takes no more connections; those there are go on. Idempotent. */
  stopListening(): void {
    for (const listener of this.#listeners) listener.stop();
  }

  /** Takes no more connections, and ends those there are. */
  async stop(): Promise<void> {
    this.stopListening();
    await Promise.all([...this.#connections.keys()].map((transport) => this.#dismiss(transport)));
  }

  #onConnection(transport: Transport): void {
    transport.handler = WAITING;
    transport.pause();
    try {
      const door = this.#openDoor(transport.remoteAddress);
      this.#connections.set(transport, door);
      this.#makeRoom();
      void this.#forward(transport, door);
    } catch (error) {
      this.#lose(error);
      transport.destroy();
    }
  }

  /** Of too many, dismisses the oldest on which nothing is asked, or else the oldest. */
  #makeRoom(): void {
    if (this.#connections.size <= HTTP_CONNECTIONS_MAX) return;
    const others = [...this.#connections].slice(0, -1);
    const [dispensable] = others.find(([, door]) => !door.busy) ?? others[0] ?? [];
    if (dispensable !== undefined) void this.#dismiss(dispensable);
  }

  async #forward(transport: Transport, door: HttpDoor): Promise<void> {
    const onClosed = (): void => void this.#forget(transport);
    try {
      const server = await dialUnix(door.path, this.#environment, onClosed);
      joinChannels(transport, server);
      if (transport.closed) server.destroy();
    } catch (error) {
      // The door of a connection that has been dismissed meanwhile is shut.
      if (this.#connections.has(transport)) this.#lose(error);
      await this.#dismiss(transport);
    }
  }

  /** Ends a connection at once, with what is under way on it. */
  async #dismiss(transport: Transport): Promise<void> {
    transport.destroy();
    await this.#forget(transport);
  }

  async #forget(transport: Transport): Promise<void> {
    const door = this.#connections.get(transport);
    this.#connections.delete(transport);
    await door?.close();
  }

  #lose(error: unknown): void {
    this.#environment.logger.warn({ reason: errorMessage(error) }, "an HTTP connection was lost");
  }
}
