/**
 * The way of one connection to the HTTP interface. A request that comes through a unix socket does not say
 * where it comes from; so each connection has a server of its own, which knows. That costs 0.26 ms of CPU a
 * connection, and one descriptor while it lasts.
 */

import { join } from "node:path";

interface Origin {
  readonly clientAddress: string;
}

/** The HTTP interface as a server calls it. */
export interface HttpHandler {
  fetch(request: Request, origin: Origin): Response | Promise<Response>;
}

/**
 * How long nothing may be said on a connection, in seconds: Bun's maximum, since an answer may take minutes.
 * Bun's types have it for TCP only, but Bun 1.4.5 keeps it here too (without it, 10 s), while
 * `Server.timeout` has no effect on a unix socket.
 */
const IDLE: object = { idleTimeout: 255 };

/** The API has a limit of its own, a setting; this is the most that the setting allows. */
const REQUEST_BYTES_MAX = 256 * 1024 ** 2;

/** IPv4 as an IPv6 socket shows it (RFC 4291, section 2.5.5.2). */
const MAPPED = /^::ffff:(?=\d+\.)/i;

export class HttpDoor {
  /** The socket to connect to, once. */
  readonly path: string;
  readonly #server: Bun.Server<undefined>;
  #underWay = 0;

  /** Opens it. `folder` is one that nobody else can enter; `name` is a file's, and used once. */
  constructor(handler: HttpHandler, folder: string, name: string, clientAddress: string) {
    const origin = { clientAddress: clientAddress.replace(MAPPED, "") };
    this.path = join(folder, name);
    this.#server = Bun.serve({
      unix: this.path,
      fetch: (request) => this.#answer(handler, request, origin),
      maxRequestBodySize: REQUEST_BYTES_MAX,
      development: false,
      ...IDLE,
    });
  }

  /** Whether a request is being answered. */
  get busy(): boolean {
    return this.#underWay > 0;
  }

  /** Ends also what is under way. */
  async close(): Promise<void> {
    await this.#server.stop(true);
  }

  async #answer(handler: HttpHandler, request: Request, origin: Origin): Promise<Response> {
    this.#underWay += 1;
    try {
      return await handler.fetch(request, origin);
    } finally {
      this.#underWay -= 1;
    }
  }
}
