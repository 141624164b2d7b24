/**
 * How many requests are answered: of an address, of a token's subject, and of an address whose tokens are no
 * good. A good token passes whatever others of its address show, so that nobody locks an operator out.
 */

import type { Clock } from "../base/clock.ts";
import { RateLimiter } from "./rate-limiter.ts";
import { RequestRefused } from "./request-refused.ts";

/** A person mistypes a token a few times; a program that goes on and on is told to slow down. */
const FAILURES = { perSecond: 0.5, burst: 20 };

/** Some 100 bytes each. Whoever has more addresses than this is not stopped by counting them. */
const KEYS_MAX = 10_000;

export class RequestLimits {
  readonly #addresses: RateLimiter;
  readonly #subjects: RateLimiter;
  readonly #failures: RateLimiter;
  readonly #perSecond: () => number;

  /** @param perSecond API_RATE_LIMIT as it holds now; 0: no limit */
  constructor(clock: Clock, perSecond: () => number) {
    this.#addresses = new RateLimiter(clock, KEYS_MAX);
    this.#subjects = new RateLimiter(clock, KEYS_MAX);
    this.#failures = new RateLimiter(clock, KEYS_MAX);
    this.#perSecond = perSecond;
  }

  /** Throws a RequestRefused with 429 if the address has asked too often. One that is not known is not counted. */
  countAddress(address: string | null): void {
    if (address !== null) this.#count(this.#addresses, networkOf(address));
  }

  /** The same for the subject of a good token. */
  countSubject(name: string): void {
    this.#count(this.#subjects, name);
  }

  /** The same for an address that has shown no good token. */
  countFailure(address: string | null): void {
    refuse(this.#failures.take(networkOf(address ?? ""), FAILURES));
  }

  #count(limiter: RateLimiter, key: string): void {
    const perSecond = this.#perSecond();
    if (perSecond > 0) refuse(limiter.take(key, { perSecond, burst: perSecond }));
  }
}

function refuse(waitMs: number): void {
  if (waitMs === 0) return;
  const seconds = Math.ceil(waitMs / 1000);
  throw new RequestRefused(429, `too many requests: try again in ${seconds} s`, {
    "Retry-After": String(seconds),
  });
}

/** Whoever has an IPv6 address has at least 2^64 of them (RFC 6177): they count as one, by their first half. */
function networkOf(address: string): string {
  if (!address.includes(":")) return address;
  const [before = [], after = []] = address
    .split("::")
    .map((part) => part.split(":").filter((group) => group !== ""));
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0");
  return [...before, ...zeros, ...after].slice(0, 4).join(":");
}
