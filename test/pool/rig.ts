/**
 * A pool with its own time, an owner that only notes what it is asked, and waiters that only note
 * what they are told. Tests script the rest.
 */

import type { FifoLinks } from "../../src/base/fifo-queue.ts";
import { PoolerError } from "../../src/base/pooler-error.ts";
import type { Random } from "../../src/base/random.ts";
import { Pool } from "../../src/pool/pool.ts";
import { PoolGroup } from "../../src/pool/pool-group.ts";
import type { PoolLimits } from "../../src/pool/pool-limits.ts";
import type { OpenFailure, PoolOwner } from "../../src/pool/pool-owner.ts";
import { type PoolResource, PoolSlot } from "../../src/pool/pool-slot.ts";
import { Ticker } from "../../src/pool/ticker.ts";
import type { Waiter } from "../../src/pool/waiter.ts";
import { FakeClock } from "../support/fake-clock.ts";

export const LIMITS: PoolLimits = {
  size: 2,
  lendingOrder: "lifo",
  sizeMin: 0,
  reserve: 0,
  reserveAfterMs: 5_000,
  checkoutTimeoutMs: 60_000,
  connectDeadlineMs: 15_000,
  idleTimeoutMs: 600_000,
  lifetimeMs: 3_600_000,
  retryMinMs: 200,
  retryMaxMs: 5_000,
};

/** Every byte is `byte`: 0 takes nothing off a time, 255 takes (nearly) the whole spread off. */
export function constantRandom(byte: number): Random {
  return { bytes: (count) => new Uint8Array(count).fill(byte) };
}

/** Limits nothing. */
export function aloneGroup(random: Random): PoolGroup {
  const never = Number.POSITIVE_INFINITY;
  return new PoolGroup(never, { unprovenAttemptsMax: never, failFastAfterMs: never }, random);
}

export class OpenError extends PoolerError {
  constructor(message: string) {
    super({ severity: "FATAL", sqlstate: "28P01", message });
  }
}

export class FakeServer implements PoolResource<FakeServer> {
  readonly slot = new PoolSlot<FakeServer>(this);
  readonly label: string;

  constructor(label: string) {
    this.label = label;
  }
}

export class FakeClient implements Waiter<FakeServer> {
  readonly label: string;
  waitingSinceMs = 0;
  ticket = 0;
  queue: FifoLinks<Waiter<FakeServer>>["queue"] = null;
  previous: Waiter<FakeServer> | null = null;
  next: Waiter<FakeServer> | null = null;
  preferred: FakeServer | null = null;
  readonly granted: FakeServer[] = [];
  readonly refused: PoolerError[] = [];
  whenGranted: (server: FakeServer) => void = () => {};
  whenRefused: (error: PoolerError) => void = () => {};

  constructor(label: string) {
    this.label = label;
  }

  prefers(server: FakeServer): boolean {
    return server === this.preferred;
  }

  onGranted(server: FakeServer): void {
    this.granted.push(server);
    this.whenGranted(server);
  }

  onRefused(error: PoolerError): void {
    this.refused.push(error);
    this.whenRefused(error);
  }
}

export class Rig implements PoolOwner<FakeServer> {
  readonly clock: FakeClock;
  readonly faults: unknown[] = [];
  readonly retired: FakeServer[] = [];
  readonly pool: Pool<FakeServer>;
  readonly ticker: Ticker;
  attempts = 0;
  whenOpen: () => void = () => {};
  whenRetired: (server: FakeServer) => void = () => {};

  /** @param shared what it has in common with other pools */
  constructor(
    limits: Partial<PoolLimits> = {},
    random = constantRandom(0),
    shared: { readonly group: PoolGroup; readonly clock: FakeClock; readonly name?: string } = {
      group: aloneGroup(random),
      clock: new FakeClock(),
    },
  ) {
    this.clock = shared.clock;
    this.ticker = new Ticker({ clock: this.clock, onFault: (error) => this.faults.push(error) });
    this.pool = new Pool({
      clock: this.clock,
      ticker: this.ticker,
      random,
      limits: { ...LIMITS, ...limits },
      owner: this,
      name: shared.name ?? "pool",
      group: shared.group,
    });
  }

  open(): void {
    this.attempts += 1;
    this.whenOpen();
  }

  retire(server: FakeServer): void {
    this.retired.push(server);
    this.whenRetired(server);
  }

  /** A new client that has asked the pool; `granted` holds what it was lent, at once or later. */
  ask(label = "client"): FakeClient {
    const client = new FakeClient(label);
    this.askFor(client);
    return client;
  }

  askFor(client: FakeClient): void {
    const server = this.pool.acquire(client);
    if (server !== null) client.granted.push(server);
  }

  /** The attempt under way succeeds. */
  succeed(label = "server"): FakeServer {
    const server = new FakeServer(label);
    this.pool.opened(server);
    return server;
  }

  fail(message = "no", failure: OpenFailure = "own"): void {
    this.pool.openFailed(new OpenError(message), failure);
  }

  /** A pool whose `count` servers are idle, the last one used most recently. */
  warm(count: number): FakeServer[] {
    const clients = Array.from({ length: count }, () => this.ask());
    const servers = clients.map((_, index) => this.succeed(`s${index + 1}`));
    for (const server of servers) this.pool.release(server);
    return servers;
  }
}

/** What each client was told, for comparing whole scenes at once. */
export function outcomes(clients: readonly FakeClient[]): string[] {
  return clients.map(({ label, granted, refused }) => {
    const told = [...granted.map((server) => server.label), ...refused.map((e) => e.message)];
    return `${label}: ${told.join(", ") || "waits"}`;
  });
}
