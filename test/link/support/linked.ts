/**
 * Two links over a stream in memory, with time and turns that a test moves on.
 */

import { Link } from "../../../src/link/link.ts";
import type { LinkOptions, LinkRole } from "../../../src/link/link-options.ts";
import type { LinkHandler, LinkHello } from "../../../src/link/link-port.ts";
import type { Channel, ChannelHandler } from "../../../src/net/channel.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { MemoryStream, type StreamEnd } from "./memory-stream.ts";

/** Callbacks that wait for the end of a turn. */
export class Turns {
  #due: (() => void)[] = [];

  readonly after = (callback: () => void): void => {
    this.#due.push(callback);
  };

  get isDue(): boolean {
    return this.#due.length > 0;
  }

  end(): void {
    const due = this.#due;
    this.#due = [];
    for (const callback of due) callback();
  }
}

/** A handler of a link that remembers what came. */
export class Recorder implements LinkHandler {
  readonly channels: { channel: Channel; opening: unknown }[] = [];
  readonly notices: { verb: string; body: unknown }[] = [];
  readonly lost: string[] = [];
  answer: (verb: string, body: unknown) => Promise<unknown> = (verb, body) =>
    Promise.resolve({ verb, body });
  /** The handler of each channel that is opened. */
  attend: (channel: Channel, opening: unknown) => ChannelHandler = () => new Bytes();

  onChannel(channel: Channel, opening: unknown): void {
    this.channels.push({ channel, opening });
    channel.handler = this.attend(channel, opening);
  }

  onRequest(verb: string, body: unknown): Promise<unknown> {
    return this.answer(verb, body);
  }

  onNotice(verb: string, body: unknown): void {
    this.notices.push({ verb, body });
  }

  onLost(reason: string): void {
    this.lost.push(reason);
  }
}

/** A handler of a channel that remembers what came. */
export class Bytes implements ChannelHandler {
  readonly chunks: Uint8Array[] = [];
  length = 0;
  drained = 0;
  closed = 0;

  onBytes(bytes: Uint8Array): void {
    this.chunks.push(bytes);
    this.length += bytes.length;
  }

  onDrained(): void {
    this.drained += 1;
  }

  onClosed(): void {
    this.closed += 1;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString("latin1");
  }
}

/** Of a link in tests. */
export const CHANNELS_MAX = 20_000;

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/** What a test needs to start one side. */
export function linkOptions(
  channel: Channel,
  role: LinkRole,
  parts: { handler: LinkHandler; clock: FakeClock; turns: Turns },
): LinkOptions {
  const hello: LinkHello = { node: 0, worker: role === "dialler" ? 0 : 1, incarnation: role };
  return {
    channel,
    role,
    hello,
    handler: parts.handler,
    clock: parts.clock,
    logger: SILENT,
    handshakeTimeoutMs: 5000,
    channelsMax: CHANNELS_MAX,
    afterTurn: parts.turns.after,
  };
}

export class Linked {
  readonly clock = new FakeClock();
  readonly turns = new Turns();
  readonly stream: MemoryStream;
  readonly edge: Link;
  readonly owner: Link;
  readonly atEdge: Recorder;
  readonly atOwner: Recorder;

  private constructor(parts: {
    stream: MemoryStream;
    links: readonly [Link, Link];
    recorders: readonly [Recorder, Recorder];
    clock: FakeClock;
    turns: Turns;
  }) {
    this.stream = parts.stream;
    [this.edge, this.owner] = parts.links;
    [this.atEdge, this.atOwner] = parts.recorders;
    this.clock = parts.clock;
    this.turns = parts.turns;
  }

  /** Starts both sides. */
  static async start(roomBytes?: number): Promise<Linked> {
    const stream = new MemoryStream(roomBytes);
    const clock = new FakeClock();
    const turns = new Turns();
    const recorders = [new Recorder(), new Recorder()] as const;
    const starting = Promise.all([
      Link.start(linkOptions(stream.one, "dialler", { handler: recorders[0], clock, turns })),
      Link.start(linkOptions(stream.other, "acceptor", { handler: recorders[1], clock, turns })),
    ]);
    stream.one.move(1000);
    stream.other.move(1000);
    const links = await starting;
    const linked = new Linked({ stream, links, recorders, clock, turns });
    linked.settle();
    return linked;
  }

  /** Moves all that can move, in chunks of so many bytes, until nothing is left to do. */
  settle(chunkBytes = 65_536): void {
    const { one, other } = this.stream;
    while (this.turns.isDue || one.canMove || other.canMove) {
      this.turns.end();
      moveOne(one, chunkBytes);
      moveOne(other, chunkBytes);
    }
  }
}

function moveOne(end: StreamEnd, chunkBytes: number): void {
  if (end.canMove) end.move(chunkBytes);
}

/** Writes a text. */
export function say(channel: Channel, text: string): boolean {
  const bytes = Buffer.from(text, "latin1");
  return channel.write(bytes, 0, bytes.length);
}

/** Opens a channel; returns both ends. */
export function openChannel(linked: Linked, opening: unknown = {}) {
  const edge = linked.edge.open(opening);
  const atEdge = new Bytes();
  edge.handler = atEdge;
  const atOwner = new Bytes();
  linked.atOwner.attend = () => atOwner;
  linked.settle();
  const owner = linked.atOwner.channels.at(-1)?.channel;
  if (owner === undefined) throw new Error("no channel was opened");
  return { edge, atEdge, owner, atOwner };
}
