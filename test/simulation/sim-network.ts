/**
 * All connections of a schedule on which something may still happen. Nothing moves but by the schedule's will.
 */

import type { FakeConnection } from "./fake-connection.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { Trace } from "./trace.ts";

/** How many bytes arrive at a time: in the middle of a header, of a message, of a batch. */
const SIZES = [1, 5, 30, 200, 10_000] as const;

/** All of what is under way, or nearly. */
const MUCH = 10_000;

export class SimNetwork {
  readonly #random: SeededRandom;
  readonly #trace: Trace | null;
  #connections: FakeConnection[] = [];

  constructor(random: SeededRandom, trace: Trace | null) {
    this.#random = random;
    this.#trace = trace;
  }

  get connections(): readonly FakeConnection[] {
    return this.#connections;
  }

  add(connection: FakeConnection): void {
    this.#connections.push(connection);
  }

  /** Lets some bytes, or an end, arrive somewhere. */
  move(): void {
    let moves = 0;
    let over = false;
    for (const connection of this.#connections) {
      if (connection.poolerMayRead) moves += 1;
      if (connection.peerMayRead) moves += 1;
      if (connection.over) over = true;
    }
    if (over) this.#connections = this.#connections.filter((connection) => !connection.over);
    if (moves > 0) this.#moveOne(this.#random.below(moves), this.#random.pick(SIZES));
  }

  /** Lets nearly all arrive that is under way. Returns whether there was anything. */
  moveAll(): boolean {
    let moved = false;
    this.#connections = this.#connections.filter((connection) => !connection.over);
    for (const connection of this.#connections) {
      if (connection.poolerMayRead) {
        moved = true;
        this.#toPooler(connection, MUCH);
      }
      if (connection.peerMayRead) {
        moved = true;
        this.#toPeer(connection, MUCH);
      }
    }
    return moved;
  }

  /** Has a peer read nothing any more for now, or one that reads nothing read again. */
  stallOrGoOn(): void {
    if (this.#connections.length === 0) return;
    const connection = this.#random.pick(this.#connections);
    connection.stalled = !connection.stalled;
    this.#trace?.note(`${connection.name} ${connection.stalled ? "reads nothing" : "reads again"}`);
  }

  /** Everybody reads from here on. */
  endStalls(): void {
    for (const connection of this.#connections) connection.stalled = false;
  }

  #moveOne(index: number, count: number): void {
    let left = index;
    for (const connection of this.#connections) {
      if (connection.poolerMayRead) {
        if (left === 0) return this.#toPooler(connection, count);
        left -= 1;
      }
      if (connection.peerMayRead) {
        if (left === 0) return this.#toPeer(connection, count);
        left -= 1;
      }
    }
  }

  #toPooler(connection: FakeConnection, count: number): void {
    this.#trace?.note(`from ${connection.name}: ${count} bytes`);
    connection.deliverToPooler(count);
  }

  #toPeer(connection: FakeConnection, count: number): void {
    this.#trace?.note(`to ${connection.name}: ${count} bytes`);
    connection.deliverToPeer(count);
  }
}
