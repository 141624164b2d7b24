/**
 * Connects to a server: name resolution and TCP, under one deadline.
 * Left out: TLS and login, which the caller goes on with, and trying again.
 */

import type { Socket } from "bun";
import { PoolerError } from "../base/pooler-error.ts";
import { ConnectError, type ConnectFailure } from "./connect-error.ts";
import { KEEPALIVE_IDLE_SECONDS } from "./kernel-options.ts";
import type { NetEnvironment } from "./net-environment.ts";
import { codeOf } from "./tls-handshake.ts";
import { Transport, type TransportOwner } from "./transport.ts";

/** Which addresses of a host to use; `auto` takes either family. */
export type IpVersion = "auto" | "v4" | "v6";

/** Whom to connect to. */
export interface DialOptions {
  /** A host name or an address. */
  readonly hostname: string;
  readonly port: number;
  /** For name resolution and connecting together. */
  readonly timeoutMs: number;
  /** `auto` where it is not given. */
  readonly ipVersion?: IpVersion | undefined;
  /** It carries a cancel, which is to get through where no further server may. */
  readonly forCancel?: boolean;
}

/** Where connections are opened: by the system, unless another network stands in, as in the simulation. */
export interface DialEnvironment extends NetEnvironment {
  readonly connect?: (options: DialOptions) => Promise<Transport>;
}

const FAILURES: ReadonlyMap<string | null, ConnectFailure> = new Map([
  // At EMFILE Bun says ECONNREFUSED as well, so the descriptor limit is kept by DialLimit.
  ["ECONNREFUSED", "refused"],
  ["ETIMEDOUT", "timed out"],
  ["ENOTFOUND", "host not found"],
  ["DNS_ENOTFOUND", "host not found"],
  ["DNS_ENODATA", "host not found"],
  ["DNS_EBADFAMILY", "host not found"],
]);

/**
 * Connects. Resolves with an open transport, whose `handler` must be set in the same turn; rejects with a
 * {@link ConnectError}, or a TooManyServersError at once. Bun can neither time out nor abort an attempt, so one that succeeds too late is
 * destroyed then.
 */
export async function dial(options: DialOptions, environment: DialEnvironment): Promise<Transport> {
  const overdue = Promise.withResolvers<never>();
  const deadline = environment.clock.after(options.timeoutMs, () => {
    overdue.reject(connectError(options, "timed out", `after ${options.timeoutMs} ms`));
  });
  const attempt = environment.connect?.(options) ?? connect(options, environment);
  try {
    return await Promise.race([attempt, overdue.promise]);
  } catch (error) {
    void discard(attempt);
    throw error instanceof PoolerError ? error : describe(options, error);
  } finally {
    deadline.cancel();
  }
}

/** Destroys what a given-up attempt may still come to. */
async function discard(attempt: Promise<Transport>): Promise<void> {
  try {
    const transport = await attempt;
    transport.destroy();
  } catch {
    // It came to nothing, and the caller has been told already.
  }
}

async function connect(options: DialOptions, environment: NetEnvironment): Promise<Transport> {
  const { dialLimit } = environment;
  dialLimit?.take(options.forCancel ?? false);
  const owner: TransportOwner = { environment, onTransportClosed: () => dialLimit?.giveBack() };
  try {
    const hostname = await resolveHost(options);
    const socket = await Bun.connect<Transport>({
      hostname,
      port: options.port,
      allowHalfOpen: true, // else Bun closes at the peer's FIN, and the tail is lost
      socket: { ...Transport.events, open: (opened) => adopt(opened, owner) },
    });
    return socket.data;
  } catch (error) {
    dialLimit?.giveBack();
    throw error;
  }
}

function adopt(socket: Socket<Transport>, owner: TransportOwner): void {
  socket.data = new Transport(socket, owner);
  if (!owner.environment.kernel.enableKeepalive(socket))
    socket.setKeepAlive(true, KEEPALIVE_IDLE_SECONDS * 1000);
}

/**
 * Bun connects to either family, so for one in particular the name is looked up first. The answer is
 * checked: asked for the IPv6 address of 127.0.0.1, Bun's resolver returns 127.0.0.1.
 */
async function resolveHost(options: DialOptions): Promise<string> {
  const { hostname, ipVersion = "auto" } = options;
  if (ipVersion === "auto") return hostname;
  const family = ipVersion === "v4" ? 4 : 6;
  const answers = await Bun.dns.lookup(hostname, { family });
  const answer = answers.find((candidate) => candidate.family === family);
  if (answer === undefined) throw connectError(options, "host not found", `no IP${ipVersion}`);
  return answer.address;
}

function describe(options: DialOptions, error: unknown): ConnectError {
  const code = codeOf(error);
  return connectError(options, FAILURES.get(code) ?? "unreachable", code ?? String(error));
}

function connectError(options: DialOptions, failure: ConnectFailure, reason: string): ConnectError {
  return new ConnectError(failure, options.hostname, options.port, reason);
}
