/**
 * One seeded schedule of two links: channels are opened, written to, paused and ended from both sides, while the
 * stream between them moves any number of bytes at a time, holds some back, and may break at any byte. Checked at
 * each step is what a link promises.
 */

import { expect } from "bun:test";
import { assert } from "../../../src/base/assert.ts";
import { WINDOW_BYTES } from "../../../src/link/carrier.ts";
import type { Link } from "../../../src/link/link.ts";
import type { EdgeChannel } from "../../../src/link/link-port.ts";
import { SeededRandom } from "../../simulation/seeded-random.ts";
import { Linked, type Recorder } from "./linked.ts";
import { SimulatedEnd } from "./simulated-end.ts";

const STEPS = 120;
const STEPS_BETWEEN_TASKS = 20;
const PAIRS_MAX = 10;

/** Lengths of writes: few are long, as of clients. */
const WRITE_BYTES = [1, 5, 50, 100, 200, 300, 2000, 20_000, 70_000, 300_000];

/** What the stream may hold beyond its room: a write, a frame behind it, and what must be said in between. */
const HELD_MAX = 131_072 + 2 * 65_536 + 32_768;

/** What a schedule came to. */
export interface Outcome {
  readonly bytes: number;
  readonly broke: boolean;
  /** How often a client was found at rest. */
  readonly rests: number;
}

interface Pair {
  readonly edge: SimulatedEnd;
  readonly channel: EdgeChannel;
  /** Null until the opening has arrived. */
  owner: SimulatedEnd | null;
}

/** Runs the schedule of `seed`. Throws where a promise of the link is broken. */
export async function runSchedule(seed: number): Promise<Outcome> {
  const random = new SeededRandom(seed);
  const linked = await Linked.start(random.pick([1, 1000, 65_536, 262_144]));
  const schedule = new Schedule(random, linked);
  await schedule.run(STEPS);
  return schedule.end();
}

class Schedule {
  readonly #random: SeededRandom;
  readonly #linked: Linked;
  readonly #pairs: Pair[] = [];
  readonly #requests: { outcome: string; readonly promise: Promise<void> }[] = [];
  #noticed = 0;
  #rests = 0;

  constructor(random: SeededRandom, linked: Linked) {
    this.#random = random;
    this.#linked = linked;
    for (const recorder of [linked.atEdge, linked.atOwner])
      recorder.attend = (channel, opening) => {
        const number = Number(opening);
        const pair = this.#pairs[number];
        if (pair === undefined) throw new Error("an opening came that was not sent");
        pair.owner = new SimulatedEnd(channel, 2 * number + 1, random);
        return pair.owner;
      };
  }

  /** Lets tasks run now and then: answers to requests are promises. */
  async run(steps: number): Promise<void> {
    for (let step = 0; step < STEPS_BETWEEN_TASKS; step += 1) {
      this.#step();
      this.#check();
    }
    await Promise.resolve();
    if (steps > STEPS_BETWEEN_TASKS) await this.run(steps - STEPS_BETWEEN_TASKS);
  }

  async end(): Promise<Outcome> {
    const broke = this.#random.chance(0.6);
    if (broke) this.#break();
    else await this.#finish();
    await Promise.all(this.#requests.map(({ promise }) => promise));
    this.#checkEnded();
    const bytes = this.#pairs.reduce(
      (sum, { edge, owner }) => sum + edge.received + (owner?.received ?? 0),
      0,
    );
    return { bytes, broke, rests: this.#rests };
  }

  #step(): void {
    const { one, other } = this.#linked.stream;
    const random = this.#random;
    const action = random.below(20);
    if (action < 4) one.move(this.#moveBytes());
    else if (action < 8) other.move(this.#moveBytes());
    else if (action < 12) this.#linked.turns.end();
    else if (action === 12) this.#open();
    else if (action === 13) this.#talk();
    else if (action === 14) this.#linked.clock.advance(random.pick([1, 100, 3000]));
    else this.#actOnEnd();
  }

  #moveBytes(): number {
    return this.#random.pick([1, 7, 100, 5000, 65_536, 524_288]);
  }

  #open(): void {
    if (this.#pairs.length >= PAIRS_MAX) return;
    const number = this.#pairs.length;
    const link = this.#random.pick([this.#linked.edge, this.#linked.owner]);
    const channel = link.open(number);
    const edge = new SimulatedEnd(channel, 2 * number, this.#random);
    channel.handler = edge;
    this.#pairs.push({ edge, channel, owner: null });
  }

  #actOnEnd(): void {
    const pair = this.#pairs[this.#random.below(PAIRS_MAX)];
    const end = this.#random.chance(0.5) ? pair?.edge : pair?.owner;
    if (end === undefined || end === null) return;
    const action = this.#random.below(20);
    if (action < 10) end.write(this.#random.pick(WRITE_BYTES));
    else if (action < 13) end.setPaused(true);
    else if (action < 16) end.setPaused(false);
    else if (action < 19) end.rest();
    else end.end();
  }

  #talk(): void {
    const { edge } = this.#linked;
    edge.notify("test.notice", this.#noticed);
    this.#noticed += 1;
    const body = "x".repeat(this.#random.pick([1, 1000, 100_000]));
    const asked = { outcome: "open", promise: Promise.resolve() };
    asked.promise = this.#ask(body, asked);
    this.#requests.push(asked);
  }

  async #ask(body: string, asked: { outcome: string }): Promise<void> {
    try {
      const answer = await this.#linked.edge.request("test.echo", body, 60_000);
      asked.outcome = Bun.deepEquals(answer, { verb: "test.echo", body }) ? "answered" : "garbled";
    } catch {
      asked.outcome = "rejected";
    }
  }

  #check(): void {
    const { stream, edge, owner, atEdge, atOwner } = this.#linked;
    const lost = [...atEdge.lost, ...atOwner.lost];
    assert(!edge.closed && !owner.closed && lost.length === 0, `the link holds: ${lost.join()}`);
    assert(stream.one.pendingBytes < HELD_MAX, "the dialler's stream holds little");
    assert(stream.other.pendingBytes < HELD_MAX, "the acceptor's stream holds little");
    for (const pair of this.#pairs) this.#checkPair(pair);
    const { notices } = atOwner;
    assert(
      notices.every(({ body }, at) => body === at),
      "notices come in order",
    );
  }

  #checkPair({ edge, owner, channel }: Pair): void {
    if (owner === null) return;
    checkWindow(edge, owner);
    checkWindow(owner, edge);
    if (!channel.resting) return;
    this.#rests += 1;
    assert(owner.answered === edge.sent, "a resting client has been answered all");
    assert(owner.received === edge.sent, "of a resting client nothing is unread");
    if (!edge.everPaused && !edge.ended)
      assert(edge.received >= owner.sentAtRest, "a resting client has its answers");
  }

  #break(): void {
    const { stream, edge, owner, atEdge, atOwner } = this.#linked;
    const wasOpen = this.#pairs.filter((pair) => pair.edge.isOpen && pair.owner?.isOpen !== false);
    if (this.#random.chance(0.3)) this.#random.pick([edge, owner]).close();
    else if (this.#random.chance(0.5)) this.#breakWith(this.#random.pick([edge, owner]));
    stream.break();
    expect([atEdge.lost.length, atOwner.lost.length]).toEqual([1, 1]);
    for (const { edge: end, owner: other, channel } of wasOpen) {
      if (!channel.endsInside && other !== null) expect(other.boundaries).toContain(end.received);
      expect(channel.closed).toBe(true);
    }
  }

  /** One end's handler ends the link in the middle of what comes. */
  #breakWith(link: Link): void {
    const { one, other } = this.#linked.stream;
    const recorder = this.#recorderOf(link);
    recorder.onNotice = () => link.close();
    this.#talk();
    this.#linked.turns.end();
    one.move(100_000);
    other.move(100_000);
  }

  #recorderOf(link: Link): Recorder {
    return link === this.#linked.edge ? this.#linked.atEdge : this.#linked.atOwner;
  }

  /** Everybody reads: all comes over. Then all is ended in good order. */
  async #finish(): Promise<void> {
    this.#linked.settle();
    await this.#settleReading(10);
    this.#check();
    for (const pair of this.#pairs) this.#checkComplete(pair);
    for (const { edge } of this.#pairs) edge.end();
    await this.#settleReading(10);
    this.#linked.clock.advance(60_000);
    this.#linked.settle();
    this.#linked.edge.close();
    this.#linked.settle();
  }

  async #settleReading(rounds: number): Promise<void> {
    for (const { edge, owner } of this.#pairs) {
      edge.setPaused(false);
      owner?.setPaused(false);
    }
    this.#linked.settle(this.#moveBytes() + 1000);
    await Promise.resolve();
    if (rounds > 0) await this.#settleReading(rounds - 1);
  }

  #checkComplete({ edge, owner, channel }: Pair): void {
    if (owner === null) throw new Error("a channel did not arrive");
    if (edge.isOpen && owner.isOpen && !this.#isPausedAgain(edge, owner)) {
      expect([edge.received, owner.received]).toEqual([owner.sent, edge.sent]);
      expect(channel.endsInside).toBe(owner.channel.insideMessage);
    }
    if (channel.ending === "close" && !edge.ended) expect(edge.received).toBe(owner.sent);
  }

  /** Some stopped reading in the last round. */
  #isPausedAgain(edge: SimulatedEnd, owner: SimulatedEnd): boolean {
    return edge.isPaused || owner.isPaused;
  }

  /** All has been told once, and nothing comes any more. */
  #checkEnded(): void {
    const { turns, clock, atEdge, atOwner } = this.#linked;
    this.#checkAllTold();
    turns.end();
    clock.advance(600_000);
    turns.end();
    this.#checkAllTold();
    expect(clock.pending).toBe(0);
    expect([atEdge.lost.length, atOwner.lost.length]).toEqual([1, 1]);
  }

  #checkAllTold(): void {
    for (const { edge, owner } of this.#pairs) {
      expect(edge.closed).toBe(1);
      if (owner !== null) expect(owner.closed).toBe(1);
    }
    for (const { outcome } of this.#requests) expect(outcome).toMatch(/^(answered|rejected)$/);
  }
}

/** What has left one end and has not reached the other's holder. */
function checkWindow(from: SimulatedEnd, to: SimulatedEnd): void {
  if (!from.isOpen || !to.isOpen) return;
  const underWay = from.sent - from.channel.pendingBytes - to.received;
  assert(underWay <= WINDOW_BYTES, "no more than a window is under way");
}
