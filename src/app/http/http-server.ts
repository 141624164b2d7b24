/**
 * The port of HTTP, on every address that the pooler listens on. Behind it is a {@link HttpGate}, and behind
 * that a {@link HttpDoor} for each connection, on a socket that nobody else can reach.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PortInUseError } from "../../net/listen-error.ts";
import type { NetEnvironment } from "../../net/net-environment.ts";
import type { PortPlace } from "../listening/port-place.ts";
import { PortTakenError, PortUnusableError } from "../start-errors.ts";
import { HttpDoor, type HttpHandler } from "./http-door.ts";
import { HttpGate } from "./http-gate.ts";

export interface HttpServerOptions {
  /** Port 0 lets the system choose; then all addresses get the same. */
  readonly places: readonly PortPlace<"http">[];
  readonly app: HttpHandler;
  readonly environment: NetEnvironment;
}

export class HttpServer {
  readonly #gate: HttpGate;
  /** Only this user may enter it (mkdtemp(3)). A path in it is short enough for a socket's address. */
  readonly #folder: string;
  #doors = 0;

  private constructor(app: HttpHandler, environment: NetEnvironment) {
    this.#folder = mkdtempSync(join(tmpdir(), "carpool-"));
    this.#gate = new HttpGate((address) => this.#openDoor(app, address), environment);
  }

  /** Listens. Throws {@link PortTakenError}; nothing is open then. */
  static async start(options: HttpServerOptions): Promise<HttpServer> {
    const server = new HttpServer(options.app, options.environment);
    try {
      for (const place of options.places) server.#listen(place);
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

  /** Takes no more connections; those there are go on. Idempotent. */
  stopListening(): void {
    this.#gate.stopListening();
  }

  /** Ends also what is under way. */
  async stop(): Promise<void> {
    await this.#gate.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #openDoor(app: HttpHandler, address: string): HttpDoor {
    this.#doors += 1;
    return new HttpDoor(app, this.#folder, String(this.#doors), address);
  }

  #listen(place: PortPlace): void {
    const port = this.#gate.port === 0 ? place.port : this.#gate.port;
    try {
      this.#gate.listen({ ...place, port });
    } catch (error) {
      if (error instanceof PortInUseError) throw new PortTakenError("PORT", place.hostname, port);
      throw new PortUnusableError("PORT", error);
    }
  }
}
