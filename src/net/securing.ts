/**
 * A transport on its way into TLS: the handshake runs against its deadline, and what Bun reports of it is judged.
 * However it ends, and ends once, first the handshake's own side is told and then nothing of it is kept.
 */

import type { Socket } from "bun";
import type { Timer } from "../base/clock.ts";
import type { PoolerError } from "../base/pooler-error.ts";
import type { NetEnvironment } from "./net-environment.ts";
import { TlsHandshakeError, TlsHandshakeTimeoutError } from "./tls-errors.ts";
import type { TlsFacts } from "./tls-facts.ts";
import { codeOf, type TlsHandshake, type TlsSocketHandler } from "./tls-handshake.ts";

/** The transport, as far as its handshake decides about it. */
export interface SecuringTransport {
  /** What it carries is encrypted from now on. */
  onSecured(facts: TlsFacts): void;
  /**
   * There was no handshake, and whom that concerns has been told. To be closed without a reset, which could overtake
   * the alert that tells the peer what was wrong.
   */
  onNotSecured(): void;
  /** Who was told of the outcome threw: our own mistake. */
  onFault(error: unknown): void;
  destroy(): void;
}

export class Securing {
  readonly #handshake: TlsHandshake;
  readonly #transport: SecuringTransport;
  readonly #deadline: Timer;
  #isOver = false;

  constructor(handshake: TlsHandshake, transport: SecuringTransport, { clock }: NetEnvironment) {
    this.#handshake = handshake;
    this.#transport = transport;
    this.#deadline = clock.after(handshake.timeoutMs, () => this.#onTimeout());
  }

  /** The outcome may come inside the call: Bun runs as much of the handshake as it has bytes for. */
  begin<Data>(socket: Socket<Data>, events: TlsSocketHandler<Data>): void {
    try {
      socket.upgradeTLS(this.#handshake.upgradeOptions(socket.data, events));
    } catch (error) {
      this.#fail(this.#handshake.notStarted(codeOf(error) ?? String(error)));
    }
  }

  /** As {@link TlsHandshake.select}. */
  select(serverName: string): unknown {
    return this.#handshake.select(serverName);
  }

  /** Bun says that the handshake is over. Whether it is good enough is seen here. */
  onHandshake(socket: Socket<unknown>, success: boolean, error: Error | null): void {
    if (this.#isOver) return;
    const handshake = this.#handshake;
    const refusal = handshake.refusal(socket, { success, code: codeOf(error) });
    if (refusal !== null) return this.#fail(refusal);
    this.#end();
    this.#transport.onSecured(handshake.facts(socket));
    try {
      handshake.secured();
    } catch (thrown) {
      this.#transport.onFault(thrown);
      this.#transport.destroy();
    }
  }

  /** The transport is closed. */
  onClosed(): void {
    this.#tell(new TlsHandshakeError(this.#handshake.peer, "the connection was closed"));
  }

  #onTimeout(): void {
    const { peer, timeoutMs } = this.#handshake;
    this.#fail(new TlsHandshakeTimeoutError(peer, timeoutMs));
  }

  #fail(error: PoolerError): void {
    this.#tell(error);
    this.#transport.onNotSecured();
  }

  #tell(error: PoolerError): void {
    if (this.#isOver) return;
    this.#end();
    try {
      this.#handshake.failed(error);
    } catch (thrown) {
      this.#transport.onFault(thrown);
    }
  }

  #end(): void {
    this.#isOver = true;
    this.#deadline.cancel();
  }
}
