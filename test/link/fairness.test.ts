import { describe, expect, test } from "bun:test";
import { WINDOW_BYTES } from "../../src/link/carrier.ts";
import { PIECE_BYTES } from "../../src/link/turn-queue.ts";
import type { Channel } from "../../src/net/channel.ts";
import { Bytes, Linked, openChannel, say } from "./support/linked.ts";

/** What a kernel takes of a stream whose reader is slow. */
const ROOM_BYTES = 65_536;

/** What a small message may wait behind: what the kernel has, what is written of a turn, and some pieces. */
const AHEAD_BYTES_MAX = 400_000;

/** Who wrote before the link was full has a window's lead; others are ahead by their turn, and a piece past the queue. */
const LEAD_BYTES_MAX = WINDOW_BYTES + 3 * PIECE_BYTES;

const LARGE = new Uint8Array(524_288);

/** Ends the turn, then lets so much go over from the owner's side, and what is to be said back. */
function move(linked: Linked, bytes: number): number {
  linked.turns.end();
  const moved = linked.stream.other.move(bytes);
  linked.stream.one.move(1_000_000);
  return moved;
}

/** Moves on in steps of 16 KB until it holds; returns how many bytes went over. */
function moveUntil(linked: Linked, holds: () => boolean): number {
  let moved = 0;
  for (let step = 0; step < 10_000 && !holds(); step += 1) moved += move(linked, 16_384);
  expect(holds()).toBe(true);
  return moved;
}

/** Writes as fast as it may, until it has written so much. */
class Source extends Bytes {
  written = 0;
  heldMax = 0;
  readonly #channel: Channel;
  readonly #total: number;

  constructor(channel: Channel, total: number) {
    super();
    this.#channel = channel;
    this.#total = total;
    channel.handler = this;
  }

  override onDrained(): void {
    this.go();
  }

  go(): void {
    let goesOn = true;
    while (goesOn && this.written < this.#total) {
      goesOn = this.#channel.write(LARGE, 0, LARGE.length);
      this.written += LARGE.length;
    }
    this.heldMax = Math.max(this.heldMax, this.#channel.pendingBytes);
  }
}

describe("a link with more to send than it may", () => {
  test("lets a small message go before hundreds of large ones", async () => {
    const linked = await Linked.start(ROOM_BYTES);
    const large = Array.from({ length: 300 }, () => openChannel(linked));
    const small = openChannel(linked);
    for (const { owner } of large) owner.write(LARGE, 0, LARGE.length);
    move(linked, 1000);
    say(small.owner, "one row");
    const ahead = moveUntil(linked, () => small.atEdge.length > 0);
    expect(small.atEdge.text).toBe("one row");
    expect(ahead).toBeLessThan(AHEAD_BYTES_MAX);
  });

  test("gives all that have much the same", async () => {
    const linked = await Linked.start(ROOM_BYTES);
    const large = Array.from({ length: 40 }, () => openChannel(linked));
    for (const { owner } of large) new Source(owner, 4 * LARGE.length).go();
    for (let step = 0; step < 1000; step += 1) {
      move(linked, 16_384);
      if (step < 600) continue;
      const lengths = large.map(({ atEdge }) => atEdge.length);
      expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThan(LEAD_BYTES_MAX);
    }
  });

  test("does not let the many who have little stop those who have much", async () => {
    const linked = await Linked.start(ROOM_BYTES);
    const large = openChannel(linked);
    const small = Array.from({ length: 50 }, () => openChannel(linked));
    large.owner.write(LARGE, 0, LARGE.length);
    for (let step = 0; step < 300; step += 1) {
      for (const { owner } of small) if (owner.pendingBytes === 0) say(owner, "x".repeat(4000));
      move(linked, 16_384);
    }
    expect(large.atEdge.length).toBe(LARGE.length);
  });

  test("sends an answer of megabytes between the rows of others", async () => {
    const linked = await Linked.start(ROOM_BYTES);
    const { owner, atEdge } = openChannel(linked);
    linked.owner.notify("test.large", "x".repeat(8_000_000));
    move(linked, 1000);
    say(owner, "one row");
    const ahead = moveUntil(linked, () => atEdge.length > 0);
    expect(ahead).toBeLessThan(AHEAD_BYTES_MAX);
    expect(linked.atEdge.notices).toHaveLength(0);
    linked.settle();
    expect(linked.atEdge.notices).toHaveLength(1);
  });
});

describe("a result that is larger than memory should be", () => {
  test("is held as little as its writer heeds, and stops at a client that does not read", async () => {
    const linked = await Linked.start(ROOM_BYTES);
    const { edge, owner, atOwner } = openChannel(linked);
    const other = openChannel(linked);
    const counter = new Counter();
    edge.handler = counter;
    const source = new Source(owner, 128 * LARGE.length);
    source.go();
    let streamMax = 0;
    while (counter.length < 64 * LARGE.length) {
      move(linked, 262_144);
      streamMax = Math.max(streamMax, linked.stream.other.pendingBytes);
    }
    edge.pause();
    linked.settle();
    const { written } = source;
    say(other.owner, "goes on");
    linked.settle();
    expect(source.written).toBe(written);
    expect(other.atEdge.text).toBe("goes on");
    edge.resume();
    linked.settle();
    expect(counter.length).toBe(128 * LARGE.length);
    expect(source.heldMax).toBeLessThanOrEqual(LARGE.length);
    expect(streamMax).toBeLessThan(262_144);
    expect(atOwner.closed).toBe(0);
  });
});

describe("ten thousand channels", () => {
  test("each have their bytes, in as few writes as their bytes need", async () => {
    const linked = await Linked.start();
    const edges = Array.from({ length: 10_000 }, () => {
      const edge = linked.edge.open(null);
      edge.handler = new Bytes();
      return edge;
    });
    linked.settle();
    const before = linked.stream.one.writes;
    for (const edge of edges) say(edge, "select 1");
    linked.settle();
    const handlers = linked.atOwner.channels.map(({ channel }) => channel.handler);
    expect(
      handlers.every((handler) => handler instanceof Bytes && handler.text === "select 1"),
    ).toBe(true);
    expect(linked.stream.one.writes - before).toBeLessThanOrEqual(2);
    for (const edge of edges) edge.close();
    linked.settle();
    expect(handlers.every((handler) => handler instanceof Bytes && handler.closed === 1)).toBe(
      true,
    );
    expect(linked.clock.pending).toBe(0);
  });
});

/** Keeps nothing. */
class Counter extends Bytes {
  override onBytes(bytes: Uint8Array): void {
    this.length += bytes.length;
  }
}
