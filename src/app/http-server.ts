/**
 * The port of HTTP, on every address that the pooler listens on. The server itself is behind a
 * {@link HttpGate}, on a socket that nobody else can reach.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Server } from "bun";
import type { Hono } from "hono";
import { PortInUseError } from "../net/listener.ts";
import type { NetEnvironment } from "../net/net-environment.ts";
import { HttpGate } from "./http-gate.ts";
import { PortTakenError, PortUnusableError } from "./start-errors.ts";

export interface HttpServerOptions {
  readonly hostnames: readonly string[];
  /** 0 lets the system choose; then all addresses get the same. */
  readonly port: number;
  readonly app: Hono;
  readonly environment: NetEnvironment;
}

/** No request of ours has a body worth more. */
const REQUEST_BYTES_MAX = 65_536;

export class HttpServer {
  readonly #server: Server<undefined>;
  readonly #gate: HttpGate;
  /** Only this user may enter it (mkdtemp(3)). A path in it is short enough for a socket's address. */
  readonly #folder: string;

  private constructor(app: Hono, environment: NetEnvironment) {
    this.#folder = mkdtempSync(join(tmpdir(), "carpool-"));
    const path = join(this.#folder, "http");
    this.#server = Bun.serve({
      unix: path,
      fetch: (request) => app.fetch(request),
      maxRequestBodySize: REQUEST_BYTES_MAX,
      development: false,
    });
    this.#gate = new HttpGate(path, environment);
  }

  /** Listens. Throws {@link PortTakenError}; nothing is open then. */
  static async start(options: HttpServerOptions): Promise<HttpServer> {
    const server = new HttpServer(options.app, options.environment);
    try {
      for (const hostname of options.hostnames) server.#listen(hostname, options.port);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** The port, also where the system chose it. */
  get port(): number {
    return this.#gate.port;
  }

  /** Ends also what is under way. */
  async stop(): Promise<void> {
    this.#gate.stop();
    await this.#server.stop(true);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #listen(hostname: string, wanted: number): void {
    const port = this.#gate.port === 0 ? wanted : this.#gate.port;
    try {
      this.#gate.listen(hostname, port);
    } catch (error) {
      if (error instanceof PortInUseError) throw new PortTakenError("PORT", hostname, port);
      throw new PortUnusableError("PORT", error);
    }
  }
}
