/**
 * A network between two programs of this machine that can hang: connections are still taken, and nothing
 * comes through, until it is thawed.
 */

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

export class FreezingNetwork implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  /** What was sent into the frozen network. */
  #held: (() => void)[] = [];
  #isFrozen = false;

  private constructor(targetPort: number) {
    this.#server = createServer((near) => {
      const far = connect(targetPort, "127.0.0.1");
      this.#forward(near, far);
      this.#forward(far, near);
    });
  }

  /** Opens a way to a port of 127.0.0.1. */
  static async open(targetPort: number): Promise<FreezingNetwork> {
    const network = new FreezingNetwork(targetPort);
    network.#server.listen(0, "127.0.0.1");
    await once(network.#server, "listening");
    return network;
  }

  /** Of this side. */
  get port(): number {
    const address = this.#server.address();
    return address !== null && typeof address === "object" ? address.port : 0;
  }

  freeze(): void {
    this.#isFrozen = true;
  }

  /** Everything comes through that was sent meanwhile. */
  thaw(): void {
    this.#isFrozen = false;
    for (const deliver of this.#held.splice(0)) deliver();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  #forward(from: Socket, to: Socket): void {
    this.#sockets.push(from);
    from.on("data", (bytes) => this.#deliver(() => to.write(bytes)));
    from.on("end", () => this.#deliver(() => to.end()));
    from.on("error", () => to.destroy());
  }

  #deliver(act: () => void): void {
    if (this.#isFrozen) this.#held.push(act);
    else act();
  }
}
