/**
 * The port of HTTP, on every address that the pooler listens on.
 */

import type { Server } from "bun";
import type { Hono } from "hono";
import { PortTakenError, PortUnusableError } from "./start-errors.ts";

export interface HttpServerOptions {
  readonly hostnames: readonly string[];
  /** 0 lets the system choose; then all addresses get the same. */
  readonly port: number;
  readonly app: Hono;
}

/** No request of ours has a body worth more. */
const REQUEST_BYTES_MAX = 65_536;

/** A connection without a request is closed after this long. */
const IDLE_TIMEOUT_SECONDS = 30;

export class HttpServer {
  readonly #servers: readonly Server<undefined>[];

  private constructor(servers: readonly Server<undefined>[]) {
    this.#servers = servers;
  }

  /** Listens. Throws {@link PortTakenError}; nothing is open then. */
  static start({ hostnames, port, app }: HttpServerOptions): HttpServer {
    const servers: Server<undefined>[] = [];
    try {
      for (const hostname of hostnames) {
        servers.push(serve(hostname, servers[0]?.port ?? port, app));
      }
    } catch (error) {
      for (const server of servers) void server.stop(true);
      throw error;
    }
    return new HttpServer(servers);
  }

  /** The port, also where the system chose it. */
  get port(): number {
    return this.#servers[0]?.port ?? 0;
  }

  /** Ends also what is under way. */
  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop(true)));
  }
}

function serve(hostname: string, port: number, app: Hono): Server<undefined> {
  try {
    return Bun.serve({
      hostname,
      port,
      fetch: (request) => app.fetch(request),
      maxRequestBodySize: REQUEST_BYTES_MAX,
      idleTimeout: IDLE_TIMEOUT_SECONDS,
      development: false,
    });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EADDRINUSE")
      throw new PortTakenError("PORT", hostname, port);
    throw new PortUnusableError("PORT", error);
  }
}
