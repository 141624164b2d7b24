/**
 * A port that takes connections. One handler object and one owner serve all of them.
 * Left out: whom to refuse. The caller keeps `openTransports` below the descriptor limit, because at EMFILE
 * Bun's accept loop spins at 100 % CPU without an error.
 */

import type { Socket, TCPSocketListener } from "bun";
import { KEEPALIVE_IDLE_SECONDS } from "./kernel-options.ts";
import { ListenError, PortInUseError } from "./listen-error.ts";
import type { NetEnvironment } from "./net-environment.ts";
import { codeOf } from "./tls-handshake.ts";
import { Transport, type TransportOwner } from "./transport.ts";

/** Where to listen, and who gets the connections. */
export interface ListenOptions {
  /** An address; `0.0.0.0` and `::` mean all, the latter both families. */
  readonly hostname: string;
  /** 0 lets the kernel choose. */
  readonly port: number;
  /** Length of the accept queue, in connections; the kernel caps it at net.core.somaxconn. */
  readonly backlog: number;
  /** Whether other processes of this user may listen there too; the kernel spreads connections over them. */
  readonly shared?: boolean;
  /**
   * A socket that listens there already, and is closed with the listener: nothing is bound, and whoever waits in
   * its queue is taken. Absent: one is made.
   */
  readonly descriptor?: number;
  /** Sets the transport's `handler` before it returns. If it throws, the connection is destroyed. */
  onConnection(transport: Transport): void;
}

export class Listener implements TransportOwner {
  readonly environment: NetEnvironment;
  readonly #options: ListenOptions;
  readonly #socket: TCPSocketListener<Transport>;
  /** Where the kernel does not hand keepalive on to accepted sockets, each is told for itself. */
  readonly #keepaliveInherited: boolean;
  #openTransports: number;

  /** See {@link listen}. */
  constructor(options: ListenOptions, environment: NetEnvironment) {
    const { kernel } = environment;
    this.environment = environment;
    this.#options = options;
    this.#socket = bind(options, (socket) => this.#accept(socket));
    this.#keepaliveInherited = kernel.enableKeepalive(this.#socket);
    this.#openTransports = 0;
    kernel.setBacklog(this.#socket, options.backlog);
  }

  /** The port listened on, also where the kernel chose it. */
  get port(): number {
    // Bun does not look for the port of a socket that it has not made.
    return this.#options.descriptor === undefined ? this.#socket.port : this.#options.port;
  }

  /** How many accepted transports are not closed yet. */
  get openTransports(): number {
    return this.#openTransports;
  }

  /** Takes no more connections. Those that stand go on. Idempotent. */
  stop(): void {
    this.#socket.stop(false);
  }

  onTransportClosed(): void {
    this.#openTransports -= 1;
  }

  #accept(socket: Socket<Transport>): void {
    const transport = new Transport(socket, this);
    socket.data = transport;
    this.#openTransports += 1;
    if (!this.#keepaliveInherited) socket.setKeepAlive(true, KEEPALIVE_IDLE_SECONDS * 1000);
    try {
      this.#options.onConnection(transport);
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.environment.logger.error({ error: text }, "a connection could not be taken");
      transport.destroy();
    }
  }
}

/**
 * Listens. Throws a {@link PortInUseError} where the port is taken, and a {@link ListenError} for whatever
 * else the system objects to.
 */
export function listen(options: ListenOptions, environment: NetEnvironment): Listener {
  return new Listener(options, environment);
}

function bind(
  options: ListenOptions,
  open: (socket: Socket<Transport>) => void,
): TCPSocketListener<Transport> {
  const { hostname, port } = options;
  try {
    return Bun.listen<Transport>({
      hostname,
      port,
      ...kindOf(options),
      allowHalfOpen: true, // else Bun closes at the peer's FIN, and the tail is lost
      socket: { ...Transport.events, open },
    });
  } catch (error) {
    const code = codeOf(error);
    if (code === "EADDRINUSE") throw new PortInUseError(options, error);
    throw new ListenError(options, code ?? String(error), error);
  }
}

/** Bun takes these, but its types do not say so. */
function kindOf({ shared = false, descriptor }: ListenOptions): object {
  return descriptor === undefined ? { reusePort: shared } : { fd: descriptor };
}
