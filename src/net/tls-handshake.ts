/**
 * A TLS handshake in flight, as the transport sees it: who decides whether its outcome is good enough,
 * and who is told. The two sides are server-tls-handshake.ts and client-tls-handshake.ts.
 */

import type { Socket, SocketHandler, TLSUpgradeOptions } from "bun";
import type { PoolerError } from "../base/pooler-error.ts";
import type { TlsPeer } from "./tls-errors.ts";
import type { TlsFacts } from "./tls-facts.ts";

/** What Bun reports when the handshake is over. */
export interface HandshakeOutcome {
  /** False where the TLS library gave up, or a certificate was refused. */
  readonly success: boolean;
  /** The TLS library's code of what it found wrong; there may be one although `success` is true. */
  readonly code: string | null;
}

/**
 * Bun's events of a socket that is TLS. `serverName` gets the socket's data first, may come before `upgradeTLS`
 * returns, and returns a native context.
 */
export interface TlsSocketHandler<Data> extends SocketHandler<Data> {
  serverName(data: Data, serverName: string): unknown;
}

/** What can be secured: a transport. */
export interface Securable {
  readonly closed: boolean;
  /** Begins the handshake, once and for all. Nothing may wait to leave in the clear. */
  secure(handshake: TlsHandshake): void;
}

export interface TlsHandshake {
  readonly peer: TlsPeer;
  readonly timeoutMs: number;
  /** Returns what `upgradeTLS` needs. */
  upgradeOptions<Data>(data: Data, socket: TlsSocketHandler<Data>): TLSUpgradeOptions<Data>;
  /** Chooses the certificate for the name that the peer asked for. Returns its native context. */
  select(serverName: string): unknown;
  /** Returns what it means that the TLS library did not even begin; `reason` is its code. */
  notStarted(reason: string): PoolerError;
  /** Returns why this outcome is not good enough, or null. Nothing has been sent to the peer yet. */
  refusal(socket: Socket<unknown>, outcome: HandshakeOutcome): PoolerError | null;
  /** Returns what was established. Asked only where nothing is refused. */
  facts(socket: Socket<unknown>): TlsFacts;
  /** The transport is open again, its bytes are encrypted. */
  secured(): void;
  /** There was no handshake. The transport is destroyed after this call. */
  failed(error: PoolerError): void;
}

/** Returns the `code` that Node's and Bun's errors carry, or null. */
export function codeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}
