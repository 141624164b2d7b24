/**
 * What a hop costs beside its system calls: small messages of many clients through two links, there and back, all of
 * a turn in one write; and a large result.
 */

import { bench } from "mitata";
import { SystemClock } from "../../src/app/system/system-clock.ts";
import { Link } from "../../src/link/link.ts";
import type { LinkRole } from "../../src/link/link-options.ts";
import type { LinkHandler } from "../../src/link/link-port.ts";
import type { Channel, ChannelHandler } from "../../src/net/channel.ts";

const MESSAGE = new Uint8Array(60);
const RESULT = new Uint8Array(262_144);
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/** One end of a stream whose other end gets each write as a chunk of its own: as Bun's sockets hand it over. */
class DirectEnd implements Channel {
  handler: ChannelHandler = { onBytes() {}, onDrained() {}, onClosed() {} };
  peer: DirectEnd | null = null;
  readonly pendingBytes = 0;
  readonly closed = false;
  readonly outlivesHolder = true;
  readonly brokeOff = false;
  insideMessage = false;
  readonly #turns: Turns;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  write(bytes: Uint8Array, start: number, end: number): boolean {
    const chunk = bytes.slice(start, end);
    this.#turns.after(() => this.peer?.handler.onBytes(chunk));
    return true;
  }

  probeAfter(): void {}
  askUnanswered(): void {}
  rest(): void {}
  keepTicket(): void {}
  pause(): void {}
  resume(): void {}
  close(): void {}
  hangUp(): void {}
  destroy(): void {}
}

/** What the turn of a real event loop ends with. */
class Turns {
  readonly #due: (() => void)[] = [];

  readonly after = (callback: () => void): void => {
    this.#due.push(callback);
  };

  /** Until nothing is left to do. */
  run(): void {
    for (let next = this.#due.pop(); next !== undefined; next = this.#due.pop()) next();
  }
}

/** Returns what adds the benches, since links are started by promises. */
export async function prepareLinkPath(): Promise<() => void> {
  const turns = new Turns();
  const [one, other] = [new DirectEnd(turns), new DirectEnd(turns)];
  one.peer = other;
  other.peer = one;
  const handler = new Answerer();
  const starting = [
    startLink(other, "acceptor", handler, turns),
    startLink(one, "dialler", handler, turns),
  ];
  turns.run();
  const [, edge] = await Promise.all(starting);
  turns.run();
  if (edge === undefined) throw new Error("there are two links");
  return () => {
    for (const clients of [1, 10, 100]) addRoundTrips(edge, clients, turns);
    addResult(edge, turns);
  };
}

function startLink(channel: Channel, role: LinkRole, handler: LinkHandler, turns: Turns) {
  const hello = { node: 0, worker: role === "dialler" ? 0 : 1, incarnation: role };
  return Link.start({
    channel,
    role,
    hello,
    handler,
    clock: new SystemClock(),
    logger: SILENT,
    handshakeTimeoutMs: 1000,
    afterTurn: turns.after,
  });
}

/** Answers each message with one as long, and says that the client rests; where one asks for a result, sends that. */
class Answerer implements LinkHandler {
  onChannel(channel: Channel, opening: unknown): void {
    const answer = opening === "result" ? RESULT : MESSAGE;
    channel.handler = {
      onBytes() {
        channel.write(answer, 0, answer.length);
        channel.rest();
      },
      onDrained() {},
      onClosed() {},
    };
  }

  onRequest(): Promise<unknown> {
    return Promise.resolve(null);
  }

  onNotice(): void {}
  onLost(): void {}
}

/** Reads, and does nothing with it. */
class Reader implements ChannelHandler {
  bytes = 0;

  onBytes(bytes: Uint8Array): void {
    this.bytes += bytes.length;
  }

  onDrained(): void {}
  onClosed(): void {}
}

function addRoundTrips(edge: Link, clients: number, turns: Turns): void {
  const channels = Array.from({ length: clients }, () => openChannel(edge, "message"));
  turns.run();
  bench(`${clients} clients: 60 bytes there, 60 bytes and a rest back, in a turn`, () => {
    for (const channel of channels) channel.write(MESSAGE, 0, MESSAGE.length);
    turns.run();
  });
}

function addResult(edge: Link, turns: Turns): void {
  const channel = openChannel(edge, "result");
  turns.run();
  bench("a result of 256 KB", () => {
    channel.write(MESSAGE, 0, MESSAGE.length);
    turns.run();
  });
}

function openChannel(edge: Link, opening: string): Channel {
  const channel = edge.open(opening);
  channel.handler = new Reader();
  return channel;
}
