/**
 * One end of a channel in a schedule: writes bytes that tell their own place, and checks each that comes in.
 */

import { assert } from "../../../src/base/assert.ts";
import type { EdgeChannel } from "../../../src/link/link-port.ts";
import type { Channel, ChannelHandler } from "../../../src/net/channel.ts";
import type { SeededRandom } from "../../simulation/seeded-random.ts";

/** The bytes of all directions, each with its own start. */
const PATTERN = Uint8Array.from(
  { length: 1_048_576 },
  (_, at) => (at * 31 + (at >>> 8) * 7) & 0xff,
);
const STARTS = 251;

/** What an end does when bytes come: now and then the holder answers, stops reading, or ends the channel. */
const REPLY_CHANCE = 0.2;
const PAUSE_CHANCE = 0.05;
const END_CHANCE = 0.01;

export class SimulatedEnd implements ChannelHandler {
  readonly channel: Channel;
  sent = 0;
  received = 0;
  closed = 0;
  /** Ended from here. */
  ended = false;
  everPaused = false;
  /** Up to where this end has answered, and what it had sent when it first said so. */
  answered = -1;
  sentAtRest = 0;
  /** Where what was sent ends between messages. */
  readonly boundaries = new Set([0]);
  readonly #random: SeededRandom;
  readonly #start: number;
  readonly #peerStart: number;
  #paused = false;
  #isHeld = false;

  /** @param number tells this end's bytes from others: even of an edge, the next one of its owner */
  constructor(channel: Channel, number: number, random: SeededRandom) {
    this.channel = channel;
    this.#random = random;
    this.#start = number % STARTS;
    this.#peerStart = (number ^ 1) % STARTS;
  }

  /** Whether the channel goes on, as far as this end knows. */
  get isOpen(): boolean {
    return this.closed === 0 && !this.ended && !this.channel.closed;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  onBytes(bytes: Uint8Array): void {
    assert(this.closed === 0 && !this.ended, "no bytes come after the end");
    assert(!this.#paused || isLost(this.channel), "no bytes come while paused");
    const from = this.#peerStart + (this.received % (PATTERN.length / 2));
    if (!Buffer.from(bytes).equals(PATTERN.subarray(from, from + bytes.length)))
      throw new Error(`wrong bytes at ${this.received}`);
    this.received += bytes.length;
    this.#react();
  }

  onDrained(): void {
    assert(this.closed === 0 && !this.ended, "nothing is drained after the end");
    assert(this.#isHeld, "what was held is drained once");
    this.#isHeld = false;
    if (this.#random.chance(REPLY_CHANCE)) this.write(this.#random.below(100));
  }

  onClosed(): void {
    this.closed += 1;
    assert(this.closed === 1, "an end comes once");
    this.channel.write(PATTERN, 0, 10); // goes nowhere
  }

  /** Writes so many bytes, ending between messages or inside one. */
  write(length: number): void {
    if (!this.isOpen || length === 0) return;
    const from = this.#start + (this.sent % (PATTERN.length / 2));
    const end = Math.min(from + length, PATTERN.length);
    const isInside = this.#random.chance(0.4);
    this.sent += end - from;
    const hasLeft = this.channel.write(PATTERN, from, end);
    assert(!(hasLeft && this.#isHeld), "nothing leaves while something is held");
    this.#isHeld = !hasLeft;
    if (this.channel.insideMessage !== isInside) this.channel.insideMessage = isInside;
    if (!isInside) this.boundaries.add(this.sent);
  }

  rest(): void {
    if (!this.isOpen) return;
    if (this.answered !== this.received) this.sentAtRest = this.sent;
    this.answered = this.received;
    this.channel.rest();
  }

  setPaused(isPaused: boolean): void {
    this.#paused = isPaused;
    if (isPaused) {
      this.everPaused = true;
      this.channel.pause();
    } else this.channel.resume();
  }

  end(): void {
    if (this.ended || this.closed > 0) return;
    this.ended = true;
    this.#random.pick([
      () => this.channel.close(),
      () => this.channel.hangUp(),
      () => this.channel.destroy(),
    ])();
  }

  #react(): void {
    if (this.#random.chance(REPLY_CHANCE)) this.write(this.#random.below(200));
    if (this.#random.chance(REPLY_CHANCE)) this.rest();
    if (this.#random.chance(PAUSE_CHANCE)) this.setPaused(true);
    if (this.#random.chance(END_CHANCE)) this.end();
  }
}

function isLost(channel: Channel | EdgeChannel): boolean {
  return "lost" in channel && channel.closed;
}
