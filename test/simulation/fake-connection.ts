/**
 * A TCP connection in memory, one end of which is a real {@link Transport} over a fake socket of Bun's.
 * Nothing moves by itself: the schedule says how many bytes arrive, and where. Each direction holds a
 * bounded window, so writes are taken in part, and ends by FIN or by reset at any byte.
 */

import type { Socket } from "bun";
import { Transport, type TransportOwner } from "../../src/net/transport.ts";
import { ByteStream } from "./byte-stream.ts";

/** Who is at the other end. */
export interface Peer {
  onBytes(bytes: Uint8Array): void;
  /** The pooler sends nothing any more, or has reset the connection. */
  onEnd(): void;
}

export class FakeConnection {
  /** For the trace. */
  readonly name: string;
  readonly transport: Transport;
  /** The peer reads nothing for now. */
  stalled = false;
  readonly #toPooler = new ByteStream();
  readonly #toPeer = new ByteStream();
  readonly #window: number;
  readonly #peer: Peer;
  readonly #socket: Socket<Transport>;
  #blocked = false;
  #paused = false;
  #closed = false;
  #resetComing = false;

  /** @param window bytes that the pooler's side takes before a write is taken in part */
  constructor(name: string, window: number, peer: Peer, owner: TransportOwner) {
    this.name = name;
    this.#window = window;
    this.#peer = peer;
    this.#socket = this.#fakeSocket();
    this.transport = new Transport(this.#socket, owner);
    this.#socket.data = this.transport;
  }

  /** Whether the pooler's socket is closed: nothing comes to it any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Whether nothing can happen here any more. */
  get over(): boolean {
    return this.#closed && !this.#toPeer.ready;
  }

  /** Whether {@link deliverToPooler} would do something. */
  get poolerMayRead(): boolean {
    if (this.#closed) return false;
    return this.#resetComing || (!this.#paused && this.#toPooler.ready);
  }

  /** Whether {@link deliverToPeer} would do something. */
  get peerMayRead(): boolean {
    return !this.stalled && this.#toPeer.ready;
  }

  /** How many bytes of the peer's the pooler has not read. */
  get unreadByPooler(): number {
    return this.#toPooler.length;
  }

  /** The peer sends. */
  send(bytes: Uint8Array): void {
    if (!this.#toPooler.ended && !this.#closed) this.#toPooler.push(bytes);
  }

  /** The peer ends its side in good order. */
  end(): void {
    this.#toPooler.ended = true;
  }

  /** The peer resets the connection: what is on its way to the pooler is lost beyond `kept` bytes. */
  reset(kept: number): void {
    const rest = this.#toPooler.take(kept);
    this.#toPooler.clear();
    this.#toPooler.push(rest);
    this.#toPooler.ended = true;
    this.#resetComing = true;
    this.#toPeer.clear();
    this.#toPeer.ended = true;
    this.#toPeer.endDelivered = true;
  }

  deliverToPooler(count: number): void {
    if (this.#toPooler.length > 0 && !this.#paused)
      return void Transport.events.data?.(this.#socket, chunkOf(this.#toPooler.take(count)));
    if (this.#resetComing) return this.#close();
    this.#toPooler.endDelivered = true;
    void Transport.events.end?.(this.#socket);
  }

  deliverToPeer(count: number): void {
    if (this.#toPeer.length > 0) {
      const bytes = this.#toPeer.take(count);
      this.#peer.onBytes(bytes);
      if (!this.#blocked || this.#closed) return;
      this.#blocked = false;
      return void Transport.events.drain?.(this.#socket);
    }
    this.#toPeer.endDelivered = true;
    this.#peer.onEnd();
  }

  #write(bytes: Uint8Array, start: number, length: number): number {
    if (this.#closed || this.#resetComing) return -1;
    const taken = Math.min(length, Math.max(0, this.#window - this.#toPeer.length));
    this.#toPeer.push(bytes.slice(start, start + taken));
    if (taken < length) this.#blocked = true;
    return taken;
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#toPeer.ended = true;
    this.#toPooler.clear();
    void Transport.events.close?.(this.#socket);
  }

  /** As much of Bun's socket as a transport uses in the clear. */
  #fakeSocket(): Socket<Transport> {
    const socket = {
      data: null,
      remoteAddress: "simulated",
      write: (bytes: Uint8Array, start: number, length: number) =>
        this.#write(bytes, start, length),
      pause: () => {
        this.#paused = true;
      },
      resume: () => {
        this.#paused = false;
      },
      shutdown: () => {
        this.#toPeer.ended = true;
      },
      close: () => this.#close(),
      terminate: () => {
        if (!this.#toPeer.endDelivered) this.#toPeer.clear();
        this.#close();
      },
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- foreign code through the subset that is used
    return socket as unknown as Socket<Transport>;
  }
}

/** Bun's types know of no other chunks than a Buffer; a transport asks for a Uint8Array, and gets one. */
function chunkOf(bytes: Uint8Array): Buffer {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
  return bytes as Buffer;
}
