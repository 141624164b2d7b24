/**
 * The other side of a link, in a process of its own: dials the socket that it is given. A channel opened with a
 * number gets so many bytes, as fast as it takes them, then its end; any other one gets back what it sends.
 */

import { SystemClock } from "../../../src/app/system/system-clock.ts";
import { Link } from "../../../src/link/link.ts";
import type { LinkHandler } from "../../../src/link/link-port.ts";
import type { Channel, ChannelHandler } from "../../../src/net/channel.ts";
import { dialUnix } from "../../../src/net/dial-unix.ts";
import { KernelOptions } from "../../../src/net/kernel-options.ts";
import { patterned } from "../../net/support/bytes.ts";

const CHUNK = patterned(65_536);
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

class Echo implements ChannelHandler {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  onBytes(bytes: Uint8Array): void {
    if (!this.#channel.write(bytes, 0, bytes.length)) this.#channel.pause();
  }

  onDrained(): void {
    this.#channel.resume();
  }

  onClosed(): void {}
}

class Source implements ChannelHandler {
  readonly #channel: Channel;
  #left: number;

  constructor(channel: Channel, total: number) {
    this.#channel = channel;
    this.#left = total;
  }

  onBytes(): void {
    this.onDrained();
  }

  onDrained(): void {
    let goesOn = true;
    while (goesOn && this.#left > 0) {
      const length = Math.min(this.#left, CHUNK.length);
      goesOn = this.#channel.write(CHUNK, 0, length);
      this.#left -= length;
    }
    if (this.#left === 0) this.#channel.close();
  }

  onClosed(): void {}
}

const handler: LinkHandler = {
  onChannel(channel, opening) {
    channel.handler =
      typeof opening === "number" ? new Source(channel, opening) : new Echo(channel);
  },
  async onRequest(_verb, body) {
    return body;
  },
  onNotice() {},
  onLost() {
    process.exit();
  },
};

const clock = new SystemClock();
const environment = { clock, logger: SILENT, kernel: new KernelOptions() };
const transport = await dialUnix(process.argv[2] ?? "", environment, () => {});
await Link.start({
  channel: transport,
  role: "dialler",
  hello: { node: 0, worker: 1, incarnation: String(process.pid) },
  handler,
  clock,
  logger: SILENT,
  handshakeTimeoutMs: 10_000,
  afterTurn: setImmediate,
});
