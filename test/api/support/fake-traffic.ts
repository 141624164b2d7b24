/**
 * Traffic that nobody has, for tests of the API: its answers are set, and what was asked is kept.
 */

import type { TenantState, Traffic } from "../../../src/control/traffic.ts";

type Bans = Awaited<ReturnType<Traffic["addressBans"]>>;

export class FakeTraffic implements Traffic {
  readonly asked: string[] = [];
  refreshes = 0;
  /** What a pause ends with. */
  paused = true;
  bans: Bans = [];

  async state(externalId: string): Promise<TenantState> {
    const pool = {
      user: "app",
      database: "postgres",
      mode: "transaction" as const,
      size: 15,
      clients: 3,
      waiting: 1,
      serversIdle: 0,
      serversActive: 2,
      serversOpening: 0,
      pins: 1,
      paused: false,
      lastError: null,
    };
    const error = {
      at: "2026-06-01T00:00:00.000Z",
      sqlstate: "28P01",
      message: "no",
      where: "server",
    };
    return {
      externalId,
      paused: false,
      clients: 3,
      clientsWaiting: 1,
      servers: 2,
      serversIdle: 0,
      serversActive: 2,
      pins: 1,
      pools: [pool, { ...pool, lastError: "connection refused" }],
      lastErrors: [{ ...error, where: "server" }],
    };
  }

  async terminate(externalId: string) {
    this.asked.push(`terminate ${externalId}`);
    return { clients: 3, servers: 2 };
  }

  async pause(externalId: string, timeoutMs: number) {
    this.asked.push(`pause ${externalId} ${timeoutMs}`);
    return { paused: this.paused, servers: 2 };
  }

  async resume(externalId: string): Promise<void> {
    this.asked.push(`resume ${externalId}`);
  }

  async drain(externalId: string, timeoutMs: number) {
    this.asked.push(`drain ${externalId} ${timeoutMs}`);
    return { clients: 3, servers: 2 };
  }

  async addressBans(): Promise<Bans> {
    return this.bans;
  }

  async liftAddressBans(_: string, addresses: readonly string[]): Promise<Bans> {
    this.bans = this.bans.filter(({ address }) => !addresses.includes(address));
    return this.bans;
  }

  async refresh(): Promise<void> {
    this.refreshes += 1;
  }
}
