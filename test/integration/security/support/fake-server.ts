/**
 * A server that only pretends to be PostgreSQL, and remembers every byte it was sent: to show that nothing
 * secret is said to whoever has not proven to be the tenant's server.
 */

import { SystemClock } from "../../../../src/app/system/system-clock.ts";
import { KernelOptions } from "../../../../src/net/kernel-options.ts";
import { type Listener, listen } from "../../../../src/net/listener.ts";
import { startServerTls } from "../../../../src/net/server-tls-handshake.ts";
import { TlsContexts } from "../../../../src/net/tls-contexts.ts";
import type { Transport } from "../../../../src/net/transport.ts";
import type { CertificatePaths } from "../../../support/tls-fixtures.ts";
import { LogKeeper } from "./log-keeper.ts";

export interface FakeServerScript {
  /** Said as soon as somebody connects. */
  readonly greeting?: string;
  /** Said to the first packet: to an SSLRequest, or to a StartupMessage. Nothing if absent. */
  readonly first?: string | Uint8Array;
  /** Shown after `first` has been said: the connection goes on in TLS. */
  readonly certificate?: CertificatePaths;
  /** Closes the connection when the first packet has come. */
  readonly hangUp?: boolean;
  /** Said to each further packet in turn. */
  readonly answers?: readonly Uint8Array[];
}

const TLS_TIMEOUT_MS = 10_000;

export class FakeServer implements Disposable {
  /** Everything received in the clear, of all connections. */
  readonly inTheClear: Uint8Array[] = [];
  /** Everything received inside TLS, deciphered. */
  readonly insideTls: Uint8Array[] = [];
  readonly #script: FakeServerScript;
  readonly #listener: Listener;
  readonly #contexts: TlsContexts | null;
  readonly #transports = new Set<Transport>();
  #connections = 0;

  constructor(script: FakeServerScript) {
    this.#script = script;
    const { certificate } = script;
    this.#contexts =
      certificate === undefined
        ? null
        : new TlsContexts([{ certificatePath: certificate.certificate, keyPath: certificate.key }]);
    this.#listener = listen(
      {
        hostname: "127.0.0.1",
        port: 0,
        backlog: 64,
        onConnection: (transport) => this.#onConnection(transport),
      },
      { clock: new SystemClock(), logger: new LogKeeper(), kernel: new KernelOptions() },
    );
  }

  get port(): number {
    return this.#listener.port;
  }

  /** How many have ever connected. */
  get connections(): number {
    return this.#connections;
  }

  /** How many are connected now. */
  get open(): number {
    return this.#transports.size;
  }

  /** All that was received, as text. */
  get heard(): string {
    return Buffer.concat([...this.inTheClear, ...this.insideTls]).toString("latin1");
  }

  [Symbol.dispose](): void {
    this.#listener.stop();
    for (const transport of this.#transports) transport.destroy();
  }

  #onConnection(transport: Transport): void {
    this.#connections += 1;
    this.#transports.add(transport);
    const answers = [...(this.#script.answers ?? [])];
    let packets = 0;
    const onBytes = (bytes: Uint8Array) => {
      (transport.tls === null ? this.inTheClear : this.insideTls).push(bytes);
      packets += 1;
      if (packets === 1) this.#answerFirst(transport);
      else say(transport, answers.shift());
    };
    const onClosed = () => this.#transports.delete(transport);
    transport.handler = { onBytes, onDrained() {}, onClosed };
    say(transport, this.#script.greeting);
  }

  #answerFirst(transport: Transport): void {
    say(transport, this.#script.first);
    if (this.#script.hangUp === true) transport.close();
    const contexts = this.#contexts;
    if (contexts === null) return;
    const handler = { onSecured() {}, onHandshakeFailed() {} };
    startServerTls(transport, { contexts, timeoutMs: TLS_TIMEOUT_MS, handler }, null);
  }
}

function say(transport: Transport, what: string | Uint8Array | undefined): void {
  if (what === undefined) return;
  const bytes = Buffer.from(what);
  transport.write(bytes, 0, bytes.length);
}
