/**
 * A pool driven by a script of numbers, beside a model that is too simple to be wrong: an array of
 * who waits and a map of which server is where. Every callback and every step is held against it.
 * Callbacks take their next number from the same script, so they call back at any moment.
 */

import { expect } from "bun:test";
import type { PoolerError } from "../../src/base/pooler-error.ts";
import type { PoolLimits } from "../../src/pool/pool-limits.ts";
import { constantRandom, FakeClient, FakeServer, OpenError, Rig } from "./rig.ts";

/** How many waiters may ask from inside callbacks during one step: a client that always asks again never ends. */
const NESTED_ASKS_MAX = 3;
const COARSE_MS = 100;

export const SIMULATED: PoolLimits = {
  size: 3,
  lendingOrder: "lifo",
  sizeMin: 0,
  reserve: 0,
  reserveAfterMs: 0,
  checkoutTimeoutMs: 2_000,
  connectDeadlineMs: 1_000,
  idleTimeoutMs: 1_500,
  lifetimeMs: 5_000,
  retryMinMs: 200,
  retryMaxMs: 1_000,
};

type Place = "resting" | "held" | "closing";

export class Simulation {
  readonly #script: readonly number[];
  readonly #rig: Rig;
  readonly #servers = new Map<FakeServer, Place>();
  readonly #waiting: FakeClient[] = [];
  /** Who waited when an attempt failed for good while nothing was alive. */
  readonly #condemned = new Set<FakeClient>();
  #next = 0;
  #attempts = 0;
  #clients = 0;
  #nestedAsksLeft = 0;
  #closed = false;
  /** From then on everything goes well: see finish. */
  #healing = false;

  constructor(script: readonly number[]) {
    this.#script = script;
    this.#rig = new Rig(SIMULATED, constantRandom(this.#choose(256)));
    this.#rig.whenOpen = () => this.#onOpen();
    this.#rig.whenRetired = (server) => this.#onRetired(server);
  }

  /** Runs the script to its end, checking after each step. */
  run(): void {
    while (this.#next < this.#script.length) {
      this.#nestedAsksLeft = NESTED_ASKS_MAX;
      this.#step();
      this.#check();
    }
  }

  /** Lets everything end well: whoever still waits must be served, and a closed pool must empty. */
  finish(): void {
    this.#healing = true;
    for (let round = 0; this.#waiting.length > 0; round += 1) {
      expect(round).toBeLessThan(20);
      this.#tidy();
      this.#rig.clock.advance(SIMULATED.retryMaxMs + COARSE_MS);
      this.#check();
    }
    this.#rig.pool.close(new OpenError("the end"));
    this.#closed = true;
    this.#tidy();
    this.#check();
    expect([this.#rig.pool.taken, this.#rig.ticker.alarmsSet]).toEqual([0, 0]);
  }

  /** Returns a number below `count` from the script; past its end always 0. */
  #choose(count: number): number {
    const number = this.#script[this.#next] ?? 0;
    this.#next += 1;
    return number % count;
  }

  #step(): void {
    switch (this.#choose(13)) {
      case 0:
      case 1:
      case 2:
        return this.#ask();
      case 3:
        return this.#forget();
      case 4:
      case 5:
        return this.#endHold(this.#oneIn("held"));
      case 6:
      case 7:
        return this.#endAttempt();
      case 8:
        return this.#discard(this.#oneIn("resting"));
      case 9:
        return this.#gone(this.#oneIn("closing") ?? this.#oneIn("resting"));
      case 10:
        return this.#rig.pool.resize(1 + this.#choose(4));
      case 11:
        return this.#choose(20) === 0 ? this.#close() : undefined;
      default:
        return this.#rig.clock.advance(this.#choose(12) * 100);
    }
  }

  #ask(): void {
    this.#clients += 1;
    const client = new FakeClient(`c${this.#clients}`);
    client.whenGranted = (server) => this.#onGranted(client, server);
    client.whenRefused = (error) => this.#onRefused(client, error);
    client.preferred = this.#oneIn("resting");
    const othersWait = this.#waiting.length > 0;
    this.#waiting.push(client);
    const server = this.#rig.pool.acquire(client);
    if (server === null) return;
    expect(othersWait).toBe(false);
    if (client.preferred !== null) expect(server).toBe(client.preferred);
    this.#onLent(client, server);
  }

  #forget(): void {
    const [client] = this.#waiting.splice(this.#choose(Math.max(1, this.#waiting.length)), 1);
    if (client !== undefined) this.#rig.pool.forget(client);
  }

  #endHold(server: FakeServer | null): void {
    if (server === null) return;
    const choice = this.#choose(4);
    if (choice === 0) return this.#discard(server);
    if (choice === 1) return this.#gone(server);
    this.#release(server);
  }

  #release(server: FakeServer): void {
    this.#servers.set(server, "resting");
    this.#rig.pool.release(server);
  }

  #discard(server: FakeServer | null): void {
    if (server === null) return;
    this.#servers.set(server, "closing");
    this.#rig.pool.discard(server);
  }

  #gone(server: FakeServer | null): void {
    if (server === null) return;
    this.#servers.delete(server);
    this.#rig.pool.gone(server);
  }

  #endAttempt(): void {
    if (this.#attempts === 0) return;
    this.#attempts -= 1;
    const choice = this.#choose(4);
    if (choice < 2) return this.#succeed();
    const permanent = choice === 2;
    if (permanent && this.#count("resting") + this.#count("held") === 0)
      for (const client of this.#waiting) this.#condemned.add(client);
    this.#rig.pool.openFailed(new OpenError("no"), permanent ? "permanent" : "own");
  }

  #succeed(): void {
    const server = new FakeServer("s");
    this.#servers.set(server, "resting");
    this.#rig.pool.opened(server);
  }

  #close(): void {
    this.#closed = true;
    this.#rig.pool.close(new OpenError("the end"));
  }

  #onOpen(): void {
    this.#attempts += 1;
    expect(this.#attempts + this.#servers.size).toBeLessThanOrEqual(this.#rig.pool.size);
    expect(this.#closed).toBe(false);
    expect(this.#waiting.length).toBeGreaterThan(0);
    if (this.#healing) {
      this.#attempts -= 1;
      this.#succeed();
    } else if (this.#choose(4) === 0) this.#endAttempt();
  }

  #onRetired(server: FakeServer): void {
    expect(this.#servers.get(server)).toBe("resting");
    this.#servers.set(server, "closing");
    if (this.#healing || this.#choose(3) === 0) this.#gone(server);
    this.#askFromWithin();
  }

  #onGranted(client: FakeClient, server: FakeServer): void {
    this.#onLent(client, server);
    if (this.#healing) this.#release(server);
    else if (this.#choose(3) === 0) this.#endHold(server);
    this.#askFromWithin();
  }

  #onLent(client: FakeClient, server: FakeServer): void {
    expect(this.#waiting.shift()).toBe(client);
    expect(this.#servers.get(server)).toBe("resting");
    this.#servers.set(server, "held");
    expect(this.#closed).toBe(false);
  }

  #onRefused(client: FakeClient, error: PoolerError): void {
    expect(this.#waiting.shift()).toBe(client);
    expect(client.granted.length + client.refused.length).toBe(1);
    const waitedMs = this.#rig.clock.now() - client.waitingSinceMs;
    const lifeless = this.#count("resting") + this.#count("held") === 0;
    const dueMs = lifeless ? SIMULATED.connectDeadlineMs : SIMULATED.checkoutTimeoutMs;
    const may = this.#closed || this.#condemned.has(client) || waitedMs >= dueMs;
    expect([error.message, waitedMs, may]).toEqual([error.message, waitedMs, true]);
    this.#askFromWithin();
  }

  #askFromWithin(): void {
    if (this.#healing || this.#nestedAsksLeft === 0 || this.#choose(4) > 0) return;
    this.#nestedAsksLeft -= 1;
    this.#ask();
  }

  #tidy(): void {
    while (this.#attempts > 0) {
      this.#attempts -= 1;
      this.#succeed();
    }
    for (let held = this.#oneIn("held"); held !== null; held = this.#oneIn("held"))
      this.#release(held);
    for (let left = this.#oneIn("closing"); left !== null; left = this.#oneIn("closing"))
      this.#gone(left);
  }

  /** A server in `place`, chosen by the script, or null. */
  #oneIn(place: Place): FakeServer | null {
    const there = [...this.#servers].filter(([, where]) => where === place);
    if (there.length === 0) return null;
    return there[this.#choose(there.length)]?.[0] ?? null;
  }

  #count(place: Place): number {
    let count = 0;
    for (const where of this.#servers.values()) if (where === place) count += 1;
    return count;
  }

  #check(): void {
    const { pool, ticker, clock, faults } = this.#rig;
    expect(faults).toEqual([]);
    expect({
      opening: pool.opening,
      idle: pool.idle,
      active: pool.active,
      closing: pool.closing,
      waiting: pool.waiting,
      taken: pool.taken,
    }).toEqual({
      opening: this.#attempts,
      idle: this.#count("resting"),
      active: this.#count("held"),
      closing: this.#count("closing"),
      waiting: this.#waiting.length,
      taken: this.#attempts + this.#servers.size,
    });
    if (this.#waiting.length === 0) return;
    expect([pool.idle, this.#closed]).toEqual([0, false]);
    expect(ticker.alarmsSet).toBe(1);
    const oldestMs = clock.now() - (this.#waiting[0]?.waitingSinceMs ?? 0);
    expect(pool.oldestWaitMs).toBe(oldestMs);
    expect(oldestMs).toBeLessThanOrEqual(SIMULATED.checkoutTimeoutMs + COARSE_MS);
  }
}
