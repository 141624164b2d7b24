/**
 * A transport whose socket is memory: what is written goes to a function, and what that end sends comes
 * in at once. Nothing is copied or kept, so that a measurement sees Carpool's own work alone.
 */

import type { Socket } from "bun";
import { Transport, type TransportOwner } from "../../src/net/transport.ts";

/** The other end. Gets what Carpool writes, valid during the call. */
export type Peer = (bytes: Uint8Array, start: number, end: number) => void;

export class MemoryTransport {
  readonly transport: Transport;
  readonly #socket: Socket<Transport>;

  constructor(peer: Peer, owner: TransportOwner) {
    this.#socket = memorySocket(peer);
    this.transport = new Transport(this.#socket, owner);
    this.#socket.data = this.transport;
  }

  /** The other end sends. Takes the way of a chunk that a socket has read. */
  receive(bytes: Buffer): void {
    void Transport.events.data?.(this.#socket, bytes);
  }
}

/** As much of Bun's socket as a transport uses that is not encrypted. */
function memorySocket(peer: Peer): Socket<Transport> {
  const socket = {
    data: null,
    remoteAddress: "127.0.0.1",
    write(bytes: Uint8Array, start: number, length: number): number {
      peer(bytes, start, start + length);
      return length;
    },
    pause() {},
    resume() {},
    shutdown() {},
    close() {},
    terminate() {},
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- foreign code through the subset that is used
  return socket as unknown as Socket<Transport>;
}
