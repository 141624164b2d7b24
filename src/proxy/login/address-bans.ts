/**
 * Addresses that failed to log in too often, and are kept out for a while: per tenant, in memory.
 *
 * A failure is a password, key or token that was wrong, or a user that does not exist; neither a timeout nor a
 * limit nor a server that is away. A login that succeeds takes nothing back: else whoever has one
 * password of a tenant could try out the others for ever. Who is banned is refused before it is asked for
 * anything, also with the right password.
 */

import type { Clock } from "../../base/clock.ts";
import { callerOf } from "../../base/ip-address.ts";
import { PoolerError } from "../../base/pooler-error.ts";
import { SQLSTATE } from "../../base/sqlstate.ts";
import type { WallClock } from "../../base/wall-clock.ts";

export interface AddressBanLimits {
  /** So many failures ban an address; 0: none does. */
  readonly authFailureLimit: number;
  /** How far back failures count. */
  readonly authFailureWindowMs: number;
  readonly authFailureBanMs: number;
}

export interface AddressBan {
  /** An IPv4 address, or the /64 network of IPv6 addresses. */
  readonly address: string;
  /** Milliseconds since 1970. */
  readonly bannedUntilMs: number;
}

/** What is remembered of an address, for another process: in times that don't depend on whose clock is read. */
export interface RememberedAddress {
  readonly tenant: string;
  /** As in {@link AddressBan}. */
  readonly address: string;
  readonly failedAgoMs: readonly number[];
  /** 0: it is not banned. */
  readonly bannedForMs: number;
}

/** Too many logins from the client's address have failed. */
export class AddressBannedError extends PoolerError {
  constructor(address: string, untilMs: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.invalid_authorization_specification,
      message: `too many failed logins from ${address}`,
      detail: `The address is banned from this tenant until ${isoOf(untilMs)}.`,
      hint: "Wait, with the right password; the tenant's operator can lift the ban.",
    });
  }
}

/** Whether somebody's failures of late are many. */
interface Caller {
  failuresAtMs: number[];
  bannedUntilMs: number;
}

/** Each takes some 200 bytes: 13 MB. */
const CALLERS_MAX = 65_536;
/** A flood of addresses against one tenant drives out that tenant's own. */
const TENANT_CALLERS_MAX = 4096;

export class AddressBans {
  readonly #limits: AddressBanLimits;
  readonly #clock: Clock;
  readonly #wallClock: WallClock;
  /** Both kinds of maps keep their order: first comes what was not heard of for longest. */
  readonly #tenants = new Map<string, Map<string, Caller>>();
  #callers = 0;

  constructor(limits: AddressBanLimits, clock: Clock, wallClock: WallClock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#wallClock = wallClock;
  }

  /** How many addresses are remembered, over all tenants. */
  get size(): number {
    return this.#callers;
  }

  /**
   * Throws an {@link AddressBannedError} if the peer's address is banned from the tenant.
   * @param peer its address is asked for only where the tenant had failures: it costs a system call
   */
  check(tenant: string, peer: { readonly remoteAddress: string }): void {
    const callers = this.#tenants.get(tenant);
    if (callers === undefined) return;
    const name = callerOf(peer.remoteAddress);
    const caller = callers.get(name);
    const leftMs = caller === undefined ? 0 : caller.bannedUntilMs - this.#clock.now();
    if (caller === undefined || leftMs <= 0) return;
    callers.delete(name);
    callers.set(name, caller);
    throw new AddressBannedError(peer.remoteAddress, this.#wallMs() + leftMs);
  }

  /** A login failed. Returns whether the address is banned from now on. */
  failed(tenant: string, address: string): boolean {
    const { authFailureLimit, authFailureWindowMs, authFailureBanMs } = this.#limits;
    if (authFailureLimit === 0 || address === "") return false;
    const nowMs = this.#clock.now();
    const caller = this.#callerFor(tenant, callerOf(address));
    // Of a login that was under way when the ban began.
    if (caller.bannedUntilMs > nowMs) return false;
    const recent = caller.failuresAtMs.filter((atMs) => atMs > nowMs - authFailureWindowMs);
    caller.failuresAtMs = [...recent, nowMs];
    if (caller.failuresAtMs.length < authFailureLimit) return false;
    caller.failuresAtMs = [];
    caller.bannedUntilMs = nowMs + authFailureBanMs;
    return true;
  }

  /** Returns the bans of a tenant that are not over. */
  list(tenant: string): readonly AddressBan[] {
    const nowMs = this.#clock.now();
    const wallMs = this.#wallMs();
    const bans: AddressBan[] = [];
    for (const [address, { bannedUntilMs }] of this.#tenants.get(tenant) ?? [])
      if (bannedUntilMs > nowMs)
        bans.push({ address, bannedUntilMs: Math.round(wallMs + bannedUntilMs - nowMs) });
    return bans;
  }

  /**
   * Lifts the bans of `addresses`, whose failures are forgotten, and returns those that are left. An IPv6
   * address stands for its /64 network, which may be written as {@link list} writes it.
   */
  lift(tenant: string, addresses: readonly string[]): readonly AddressBan[] {
    for (const address of addresses) this.#forget(tenant, callerOf(address.replace(/\/64$/, "")));
    return this.list(tenant);
  }

  /** Yields all that is remembered and still counts, what was not heard of for longest first. */
  *remembered(): Iterable<RememberedAddress> {
    const nowMs = this.#clock.now();
    const sinceMs = nowMs - this.#limits.authFailureWindowMs;
    for (const [tenant, callers] of this.#tenants)
      for (const [address, { failuresAtMs, bannedUntilMs }] of callers) {
        const recent = failuresAtMs.filter((atMs) => atMs > sinceMs);
        const bannedForMs = Math.max(0, bannedUntilMs - nowMs);
        if (recent.length > 0 || bannedForMs > 0)
          yield { tenant, address, failedAgoMs: recent.map((atMs) => nowMs - atMs), bannedForMs };
      }
  }

  /** Knows from now on what another process remembers, in place of what was known of the address. */
  remember({ tenant, address, failedAgoMs, bannedForMs }: RememberedAddress): void {
    const nowMs = this.#clock.now();
    const caller = this.#callerFor(tenant, address);
    caller.failuresAtMs = failedAgoMs.map((agoMs) => nowMs - agoMs);
    caller.bannedUntilMs = bannedForMs === 0 ? 0 : nowMs + bannedForMs;
  }

  /** Returns who calls, as heard of now. */
  #callerFor(tenant: string, name: string): Caller {
    const callers = this.#tenants.get(tenant) ?? new Map<string, Caller>();
    const known = callers.get(name);
    if (known === undefined) this.#makeRoom(tenant, callers);
    const caller = known ?? { failuresAtMs: [], bannedUntilMs: 0 };
    this.#callers += known === undefined ? 1 : 0;
    callers.delete(name);
    callers.set(name, caller);
    this.#tenants.delete(tenant);
    this.#tenants.set(tenant, callers);
    return caller;
  }

  /** Where there are too many, one of the tenant's own goes; one of another tenant's only if it has none. */
  #makeRoom(tenant: string, callers: Map<string, Caller>): void {
    if (callers.size < TENANT_CALLERS_MAX && this.#callers < CALLERS_MAX) return;
    const [elsewhere] = this.#tenants.keys();
    const from = callers.size > 0 ? tenant : elsewhere;
    const [oldest] = from === undefined ? [] : (this.#tenants.get(from)?.keys() ?? []);
    if (from !== undefined && oldest !== undefined) this.#forget(from, oldest);
  }

  #forget(tenant: string, name: string): void {
    const callers = this.#tenants.get(tenant);
    if (callers?.delete(name) !== true) return;
    this.#callers -= 1;
    if (callers.size === 0) this.#tenants.delete(tenant);
  }

  #wallMs(): number {
    // oxlint-disable-next-line no-restricted-globals -- converts a text and reads no clock
    return Date.parse(this.#wallClock.iso());
  }
}

function isoOf(wallMs: number): string {
  // oxlint-disable-next-line no-restricted-globals -- converts a number and reads no clock
  return new Date(Math.ceil(wallMs)).toISOString();
}
