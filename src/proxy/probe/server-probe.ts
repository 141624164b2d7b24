/**
 * The steps to a tenant's PostgreSQL, one at a time: name, TCP, TLS, login. Each says how it went, and
 * leaves nothing open but what it returns.
 */

import { X509Certificate } from "node:crypto";
import { encodeBase64 } from "../../auth/base64.ts";
import type { Random } from "../../base/random.ts";
import { dial } from "../../net/dial.ts";
import { lookUp } from "../../net/look-up.ts";
import type { NetEnvironment } from "../../net/net-environment.ts";
import type { Transport } from "../../net/transport.ts";
import { DerivedKeys } from "../login/key-derivation.ts";
import { secretOf } from "../login/user-secrets.ts";
import { openServerTransport } from "../server/open-server-transport.ts";
import type { ServerAddress } from "../server/server-address.ts";
import { ServerOpening } from "../server/server-opening.ts";
import { ProbeConnection } from "./probe-connection.ts";
import { type ProbeFailure, probeFailureOf } from "./probe-failure.ts";

export type ProbeOutcome<Value> =
  | { readonly ok: true; readonly value: Value; readonly elapsedMs: number }
  | { readonly ok: false; readonly failure: ProbeFailure };

/** What a server shows of itself in a TLS handshake. */
export interface ShownCertificate {
  readonly tlsVersion: string;
  readonly subject: string;
  readonly issuer: string;
  /** Milliseconds since 1970. */
  readonly validUntilMs: number;
}

/** As whom to log in. */
export interface ProbeLogin {
  readonly user: string;
  readonly database: string;
  /** As it is in the store; null: none. */
  readonly password: string | null;
}

export interface ServerProbeEnvironment {
  readonly net: NetEnvironment;
  readonly random: Random;
  /** For each step. */
  readonly timeoutMs: number;
  readonly scramIterationsMax: number;
}

const NONCE_BYTES = 18;

/** Of the time for a step: what is left is for the way there and back. */
const STATEMENT_SHARE = 0.8;

export class ServerProbe {
  readonly #environment: ServerProbeEnvironment;

  constructor(environment: ServerProbeEnvironment) {
    this.#environment = environment;
  }

  /** For each step, in milliseconds. */
  get timeoutMs(): number {
    return this.#environment.timeoutMs;
  }

  /** Milliseconds since an arbitrary start. */
  now(): number {
    return this.#environment.net.clock.now();
  }

  /** Returns the addresses of the host. */
  lookUp({ hostname, ipVersion }: ServerAddress): Promise<ProbeOutcome<readonly string[]>> {
    const { net, timeoutMs } = this.#environment;
    return this.#timed(() => lookUp(hostname, ipVersion, timeoutMs, net.clock));
  }

  /** Connects by TCP to one address of the host, and hangs up. */
  connect(ip: string, port: number): Promise<ProbeOutcome<null>> {
    const { net, timeoutMs } = this.#environment;
    return this.#timed(async () => {
      const transport = await dial({ hostname: ip, port, timeoutMs }, net);
      await closed(transport);
      return null;
    });
  }

  /** Connects, and secures the connection as `address` says, which has `tls`; then hangs up. */
  secure(address: ServerAddress): Promise<ProbeOutcome<ShownCertificate | null>> {
    const { net, timeoutMs } = this.#environment;
    return this.#timed(async () => {
      const transport = await openServerTransport(address, timeoutMs, net);
      const shown = shownBy(transport);
      await closed(transport);
      return shown;
    });
  }

  /** Logs in. Who gets the connection disposes of it. */
  logIn(address: ServerAddress, login: ProbeLogin): Promise<ProbeOutcome<ProbeConnection>> {
    return this.#timed(async () => {
      const connection = await this.#open(address, login);
      await this.#limitStatements(connection);
      return connection;
    });
  }

  /** PostgreSQL is to give up before we do: a backend whose client has gone runs on to the end of its query. */
  async #limitStatements(connection: ProbeConnection): Promise<void> {
    const limitMs = Math.ceil(this.timeoutMs * STATEMENT_SHARE);
    try {
      await connection.query("select set_config('statement_timeout', $1, false)", [`${limitMs}`]);
    } catch (error) {
      await connection[Symbol.asyncDispose]();
      throw error;
    }
  }

  #open(address: ServerAddress, login: ProbeLogin): Promise<ProbeConnection> {
    const { net, random, timeoutMs, scramIterationsMax } = this.#environment;
    const { promise, resolve, reject } = Promise.withResolvers<ProbeConnection>();
    const opening = new ServerOpening(
      {
        address,
        user: login.user,
        database: login.database,
        secrets: [{ secret: secretOf(login.password), passedThroughKeys: null }],
        connectTimeoutMs: timeoutMs,
        iterationsMax: scramIterationsMax,
        environment: net,
        newNonce: () => encodeBase64(random.bytes(NONCE_BYTES)),
        deriveKeys: (password, salt, iterations) =>
          new DerivedKeys(password).keysFor(salt, iterations),
      },
      {
        onOpened: (transport) => resolve(new ProbeConnection(transport, net.clock, timeoutMs)),
        onFailed: reject,
      },
    );
    opening.start();
    return promise;
  }

  async #timed<Value>(step: () => Promise<Value>): Promise<ProbeOutcome<Value>> {
    const startMs = this.now();
    try {
      const value = await step();
      return { ok: true, value, elapsedMs: this.now() - startMs };
    } catch (error) {
      return { ok: false, failure: probeFailureOf(error) };
    }
  }
}

/** Resolves when the connection is gone on both sides. */
function closed(transport: Transport): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  transport.handler = { onBytes() {}, onDrained() {}, onClosed: resolve };
  transport.close();
  return promise;
}

function shownBy(transport: Transport): ShownCertificate | null {
  const { tls } = transport;
  if (tls === null || tls.peerCertificate === null) return null;
  const { subject, issuer, validTo } = new X509Certificate(tls.peerCertificate);
  return {
    tlsVersion: tls.version,
    subject: oneLine(subject),
    issuer: oneLine(issuer),
    // oxlint-disable-next-line no-restricted-globals -- converts a text and reads no clock
    validUntilMs: Date.parse(validTo),
  };
}

/** A name of a certificate has a part a line. */
function oneLine(name: string): string {
  return name.split("\n").join(", ");
}
