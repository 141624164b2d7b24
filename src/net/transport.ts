/**
 * A channel over a socket of Bun's: TCP, a unix socket, or either of them upgraded to TLS.
 * Its bytes are nobody else's: a chunk that came in belongs to the handler, a tail that waits is a copy.
 * Left out: what the bytes mean, who may connect, timeouts other than those of TLS and of closing.
 *
 * A peer's end of the stream ends the transport: PostgreSQL's clients never close one direction only.
 * What is held for it still leaves, within the same bounds as after `close()`.
 */

import type { Socket, SocketHandler } from "bun";
import { assert } from "../base/assert.ts";
import type { Timer } from "../base/clock.ts";
import { canonicalAddress } from "../base/ip-address.ts";
import type { Channel, ChannelHandler } from "./channel.ts";
import { HeldTail } from "./held-tail.ts";
import { descriptorOf } from "./kernel-options.ts";
import type { NetEnvironment } from "./net-environment.ts";
import { Securing, type SecuringTransport } from "./securing.ts";
import type { TlsFacts } from "./tls-facts.ts";
import {
  codeOf,
  type Securable,
  type TlsHandshake,
  type TlsSocketHandler,
} from "./tls-handshake.ts";
import { mayEnter, type TransportState } from "./transport-state.ts";
import { UNATTENDED } from "./unattended.ts";

/**
 * How long a closing transport waits for its peer: for each bit of progress with the tail, then for the
 * peer's own end. Enough for a slow link's round trips; what lasts longer is not coming.
 */
const LINGER_MS = 2000;

/**
 * Who sends so much at once waits for the next turn of the event loop. Bun reads 512 KB, and again up to ten
 * times while as much comes; where nobody else is ready, without end. With ten such senders a turn took
 * 50 ms, and so did every answer to anybody else.
 */
const TURN_BYTES = 262_144;

/** Who made a transport: the listener, or a call of `dial`. */
export interface TransportOwner {
  readonly environment: NetEnvironment;
  /** The socket is closed and the transport's handler has been told. Comes once for each transport. */
  onTransportClosed(): void;
}

export class Transport implements Channel, Securable, SecuringTransport {
  handler: ChannelHandler;
  readonly #owner: TransportOwner;
  #socket: Socket<Transport>;
  #state: TransportState;
  #tail: HeldTail | null;
  /** The deadline of flushing or of lingering: one at a time. */
  #deadline: Timer | null;
  #securing: Securing | null;
  #tls: TlsFacts | null;
  #remoteAddress: string | null;
  /** Known here, because to ask Bun for what is so already costs a native call: some 0.6 µs. */
  #paused: boolean;
  /** It had its turn, and is paused by itself until the next one. */
  #givesWay: boolean;
  #brokeOff: boolean;

  /**
   * Takes over a socket that has just opened: the caller puts the transport into its `data` and its events
   * into {@link Transport.events}. Whoever gets the transport sets `handler` in the same turn.
   */
  constructor(socket: Socket<Transport>, owner: TransportOwner) {
    this.handler = UNATTENDED;
    this.#owner = owner;
    this.#socket = socket;
    this.#state = "open";
    this.#tail = null;
    this.#deadline = null;
    this.#securing = null;
    this.#tls = null;
    this.#remoteAddress = null;
    this.#paused = false;
    this.#givesWay = false;
    this.#brokeOff = false;
  }

  /**
   * Bun's events, one object for all sockets that are not TLS. After an upgrade the old socket's twin
   * goes on sending events with ciphertext; it is no longer `#socket`, so they are ignored.
   * Known by identity, the check costs one comparison for each chunk.
   */
  static readonly events: SocketHandler<Transport> = {
    binaryType: "uint8array",
    data(socket: Socket<Transport>, bytes: Uint8Array) {
      const transport = socket.data;
      if (transport.#socket === socket) transport.#received(bytes);
    },
    drain(socket) {
      if (socket.data.#socket === socket) socket.data.#writable();
    },
    end(socket) {
      if (socket.data.#socket === socket) socket.data.#peerEnded();
    },
    close(socket, error) {
      if (socket.data.#socket !== socket) return;
      socket.data.#brokeOff = error !== undefined;
      socket.data.#socketClosed();
    },
    error(socket, error) {
      if (socket.data.#socket === socket) socket.data.#socketFailed(error);
    },
  };

  /** The same for sockets that are TLS. `open` and `serverName` come before `upgradeTLS` returns. */
  static readonly #tlsEvents: TlsSocketHandler<Transport> = {
    ...Transport.events,
    open(socket) {
      socket.data.#socket = socket;
    },
    serverName(transport, serverName) {
      return transport.#securing?.select(serverName);
    },
    handshake(socket, success, error) {
      if (socket.data.#socket === socket)
        socket.data.#securing?.onHandshake(socket, success, error);
    },
  };

  get pendingBytes(): number {
    return this.#tail === null ? 0 : this.#tail.length;
  }

  get closed(): boolean {
    return this.#state !== "open" && this.#state !== "securing";
  }

  get brokeOff(): boolean {
    return this.#brokeOff;
  }

  /** What TLS established, or null while the transport is in the clear. */
  get tls(): TlsFacts | null {
    return this.#tls;
  }

  /**
   * The peer's address without port, in its one form; empty for a unix socket. Kept from the first asking, for the
   * logs after the end.
   */
  get remoteAddress(): string {
    this.#remoteAddress ??= canonicalAddress(this.#socket.remoteAddress ?? "");
    return this.#remoteAddress;
  }

  /** The peer speaks for somebody of this address, and is believed: that is {@link remoteAddress} from now on. */
  speaksFor(address: string): void {
    this.#remoteAddress = address;
  }

  /** The user at the other end of a unix socket, as the kernel says; null: not known. */
  get peerUser(): number | null {
    return this.closed ? null : this.#owner.environment.kernel.peerUser(this.#socket);
  }

  /** Of the socket, while another process could go on with it from here; null: there is TLS, a tail, or an end. */
  get descriptor(): number | null {
    if (this.#state !== "open" || this.#tls !== null || this.#tail !== null) return null;
    return descriptorOf(this.#socket);
  }

  probeAfter(silentSeconds: number): void {
    if (!this.closed) this.#owner.environment.kernel.probeAfter(this.#socket, silentSeconds);
  }

  askUnanswered(onAnswer: (unansweredMs: number | null) => void): void {
    onAnswer(this.closed ? null : this.#owner.environment.kernel.unansweredMs(this.#socket));
  }

  /** Peer and holder are in one process, and end together. */
  get insideMessage(): boolean {
    return false;
  }

  set insideMessage(_isInside: boolean) {}

  get outlivesHolder(): boolean {
    return false;
  }

  rest(): void {}

  keepTicket(_ticket: string | null): void {}

  write(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#state !== "open") {
      assert(this.#state !== "securing", "nothing is written during a TLS handshake");
      return true;
    }
    if (this.#tail !== null) {
      this.#tail.append(bytes, start, end);
      return false;
    }
    const length = end - start;
    if (length === 0) return true;
    const taken = this.#socket.write(bytes, start, length);
    if (taken === length || taken < 0) return true; // negative: its close event is under way
    this.#tail = new HeldTail(bytes, start + taken, end);
    return false;
  }

  /** Without effect during a TLS handshake. */
  pause(): void {
    if (this.#paused || this.#state !== "open") return;
    this.#paused = true;
    if (!this.#givesWay) this.#socket.pause();
  }

  resume(): void {
    if (this.#paused && this.#state === "open") this.#unpause();
  }

  close(): void {
    if (this.#state === "securing") this.destroy();
    if (this.#state !== "open") return;
    this.#unpause(); // a paused socket never sees its peer's FIN
    if (this.#tail === null) {
      this.#linger();
      return;
    }
    this.#enter("flushing");
    this.#setDeadline(LINGER_MS);
  }

  /** Costs three system calls and a timer less than `close`: connections may be as short as one query. */
  hangUp(): void {
    if (this.#state === "open" && this.#tail === null) this.#shut();
    else this.close();
  }

  destroy(): void {
    if (this.#state === "gone") return;
    this.#socket.terminate(); // its close event comes inside this call
    this.#socketClosed();
  }

  /**
   * Another process has a copy of {@link descriptor}, and goes on with the connection: the peer notices nothing, and
   * what it has sent and is not read yet is read there. `onClosed` comes inside the call.
   */
  release(): void {
    assert(this.descriptor !== null, "only a connection that can be gone on with is let go");
    this.#shut();
  }

  /** The outcome is the handshake's to tell, and may come inside this call. Where there is none, this is destroyed. */
  secure(handshake: TlsHandshake): void {
    assert(this.#state === "open", "TLS starts on an open transport");
    assert(this.#tls === null, "TLS starts once");
    assert(this.#tail === null, "what was written in the clear has left before TLS starts");
    this.#enter("securing");
    this.#unpause(); // a paused socket would never see the peer's part
    this.#securing = new Securing(handshake, this, this.#owner.environment);
    this.#securing.begin(this.#socket, Transport.#tlsEvents);
  }

  onSecured(facts: TlsFacts): void {
    this.#securing = null;
    this.#tls = facts;
    this.#enter("open");
  }

  onNotSecured(): void {
    this.#securing = null;
    this.#shut();
  }

  /** A handler threw: our own mistake, which the caller has end this connection and nothing else. */
  onFault(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#owner.environment.logger.error({ error: text }, "a connection's handler threw");
  }

  #unpause(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (!this.#givesWay) this.#socket.resume();
  }

  #received(bytes: Uint8Array): void {
    if (this.#state === "open") this.#handOver(bytes); // else closing: input is discarded
    if (bytes.length >= TURN_BYTES) this.#giveWay();
  }

  #handOver(bytes: Uint8Array): void {
    try {
      this.handler.onBytes(bytes);
    } catch (error) {
      this.#fail(error);
    }
  }

  #giveWay(): void {
    if (this.#givesWay || this.#state === "securing" || this.#state === "gone") return;
    this.#givesWay = true;
    if (!this.#paused) this.#socket.pause();
    setImmediate(() => {
      this.#givesWay = false;
      if (!this.#paused && this.#state !== "gone") this.#socket.resume();
    });
  }

  /** Bun's `drain` may be spurious: after pause and resume, after `end`, after a handshake. */
  #writable(): void {
    if (this.#tail === null) return;
    const taken = this.#tail.flushTo(this.#socket);
    if (this.#tail.length === 0) this.#flushed();
    else if (taken > 0 && this.#state === "flushing") this.#setDeadline(LINGER_MS);
  }

  #flushed(): void {
    this.#tail = null;
    if (this.#state === "flushing") {
      this.#linger();
      return;
    }
    try {
      this.handler.onDrained();
    } catch (error) {
      this.#fail(error);
    }
  }

  #peerEnded(): void {
    if (this.#state === "open" && this.#tail !== null) this.close();
    else if (this.#state !== "flushing") this.#shut();
  }

  /** Ends our side and waits for the peer's; where that has ended already, Bun closes the socket next. */
  #linger(): void {
    this.#enter("lingering");
    this.#setDeadline(LINGER_MS);
    this.#socket.shutdown();
  }

  /** Closes the socket, without a reset unless input lies unread in the kernel and no other process has it. */
  #shut(): void {
    this.#socket.close(); // its close event comes inside this call
    this.#socketClosed();
  }

  #socketClosed(): void {
    if (this.#state === "gone") return;
    const securing = this.#securing;
    this.#enter("gone");
    this.#clearDeadline();
    this.#securing = null;
    this.#tail = null;
    this.#owner.onTransportClosed();
    securing?.onClosed();
    try {
      this.handler.onClosed();
    } catch (error) {
      this.onFault(error);
    }
  }

  /** An established TLS session broke (a record that does not decrypt, an alert), or an event of ours threw. */
  #socketFailed(error: Error): void {
    const code = codeOf(error);
    if (code === null) this.onFault(error);
    else this.#owner.environment.logger.debug({ code }, "a TLS session broke");
    this.destroy();
  }

  #setDeadline(delayMs: number): void {
    this.#clearDeadline();
    this.#deadline = this.#owner.environment.clock.after(delayMs, () => this.#deadlinePassed());
  }

  #clearDeadline(): void {
    this.#deadline?.cancel();
    this.#deadline = null;
  }

  #deadlinePassed(): void {
    this.#deadline = null;
    if (this.#state === "flushing") this.destroy();
    else this.#shut();
  }

  #fail(error: unknown): void {
    this.onFault(error);
    this.destroy();
  }

  #enter(state: TransportState): void {
    assert(mayEnter(this.#state, state), "a transport makes legal moves only");
    this.#state = state;
  }
}
