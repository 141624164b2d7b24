/**
 * A load balancer on the loopback: passes bytes on, and says for whom before all else.
 */

import { connect, createServer, type Server, type Socket } from "node:net";

export interface LoadBalancerOptions {
  readonly host: string;
  readonly port: number;
  /** What it says first. */
  readonly header: Uint8Array;
  /** Sends the header by itself, byte by byte; else in one segment with the client's first bytes. */
  readonly slowly?: boolean;
}

export class LoadBalancer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];

  private constructor(options: LoadBalancerOptions) {
    this.#server = createServer((client) => this.#pass(client, options));
  }

  static async start(options: LoadBalancerOptions): Promise<LoadBalancer> {
    const balancer = new LoadBalancer(options);
    await new Promise<void>((resolve) => {
      balancer.#server.listen(0, "127.0.0.1", resolve);
    });
    return balancer;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("it does not listen");
    return address.port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #pass(client: Socket, { host, port, header, slowly = false }: LoadBalancerOptions): void {
    const pooler = connect({ host, port, noDelay: true });
    this.#sockets.push(client, pooler);
    for (const [one, other] of [
      [client, pooler],
      [pooler, client],
    ] as const) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
    pooler.on("data", (bytes) => client.write(bytes));
    client.once("data", (first: Buffer) => {
      client.pause();
      void join(client, pooler, sendFirst(pooler, header, first, slowly));
    });
  }
}

async function join(client: Socket, pooler: Socket, begun: Promise<void>): Promise<void> {
  await begun;
  client.on("data", (bytes) => pooler.write(bytes));
  client.resume();
}

async function sendFirst(
  pooler: Socket,
  header: Uint8Array,
  first: Buffer,
  slowly: boolean,
): Promise<void> {
  if (!slowly) {
    pooler.write(Buffer.concat([header, first]));
    return;
  }
  for (const byte of Buffer.concat([header, first])) {
    pooler.write(Uint8Array.of(byte));
    // oxlint-disable-next-line no-await-in-loop -- each byte by itself
    await new Promise(setImmediate);
  }
}
