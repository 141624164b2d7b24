import { describe, expect, test } from "bun:test";
import { AddressBannedError, AddressBans } from "../../../src/proxy/login/address-bans.ts";
import { FakeClock } from "../../support/fake-clock.ts";

const STARTED_MS = Date.parse("2026-08-01T12:00:00.000Z");

class Fixture {
  readonly clock = new FakeClock();
  readonly limits = {
    authFailureLimit: 10,
    authFailureWindowMs: 150_000,
    authFailureBanMs: 120_000,
  };
  readonly bans = new AddressBans(this.limits, this.clock, {
    iso: () => new Date(STARTED_MS + this.clock.now()).toISOString(),
  });

  /** Returns how many of the failures banned the address. */
  fail(count: number, address = "192.0.2.7", tenant = "acme"): number {
    let bans = 0;
    for (let failure = 0; failure < count; failure += 1)
      bans += this.bans.failed(tenant, address) ? 1 : 0;
    return bans;
  }

  isBanned(address = "192.0.2.7", tenant = "acme"): boolean {
    try {
      this.bans.check(tenant, { remoteAddress: address });
      return false;
    } catch (error) {
      expect(error).toBeInstanceOf(AddressBannedError);
      return true;
    }
  }
}

describe("an address", () => {
  test("is banned by the tenth failure, and not by the ninth", () => {
    const it = new Fixture();
    expect(it.fail(9)).toBe(0);
    expect(it.isBanned()).toBe(false);
    expect(it.fail(1)).toBe(1);
    expect(it.isBanned()).toBe(true);
  });

  test("is banned for as long as is said, to the millisecond", () => {
    const it = new Fixture();
    it.fail(10);
    it.clock.advance(119_999);
    expect(it.isBanned()).toBe(true);
    it.clock.advance(1);
    expect(it.isBanned()).toBe(false);
  });

  test("begins anew after its ban", () => {
    const it = new Fixture();
    it.fail(10);
    it.clock.advance(120_000);
    expect(it.fail(9)).toBe(0);
    expect(it.fail(1)).toBe(1);
  });

  test("is not banned for longer by logins that were under way", () => {
    const it = new Fixture();
    it.fail(10);
    it.clock.advance(60_000);
    expect(it.fail(50)).toBe(0);
    it.clock.advance(60_000);
    expect(it.isBanned()).toBe(false);
    expect(it.fail(9)).toBe(0);
  });

  test("has failures that count as long as the window, which slides", () => {
    const it = new Fixture();
    it.fail(5);
    it.clock.advance(100_000);
    it.fail(4);
    it.clock.advance(50_000); // the first five are over
    expect(it.fail(5)).toBe(0);
    expect(it.fail(1)).toBe(1);
  });

  test("that fails slowly is never banned", () => {
    const it = new Fixture();
    for (let failure = 0; failure < 100; failure += 1) {
      expect(it.fail(1)).toBe(0);
      it.clock.advance(17_000);
    }
  });

  test("is banned from one tenant, and no other address with it", () => {
    const it = new Fixture();
    it.fail(10);
    expect(it.isBanned("192.0.2.7", "other")).toBe(false);
    expect(it.isBanned("192.0.2.8")).toBe(false);
  });

  test("is the same in its mapped form", () => {
    const it = new Fixture();
    it.fail(5, "::ffff:192.0.2.7");
    it.fail(5, "192.0.2.7");
    expect(it.isBanned("::ffff:192.0.2.7")).toBe(true);
  });

  test("of IPv6 is its /64 network", () => {
    const it = new Fixture();
    for (let host = 1; host <= 10; host += 1) it.fail(1, `2001:db8:0:1::${host}`);
    expect(it.isBanned("2001:db8:0:1:ffff::99")).toBe(true);
    expect(it.isBanned("2001:db8:0:2::1")).toBe(false);
  });

  test("that nobody knows is never banned", () => {
    const it = new Fixture();
    expect(it.fail(50, "")).toBe(0);
    expect(it.bans.size).toBe(0);
  });

  test("is never banned where the limit is 0", () => {
    const it = new Fixture();
    it.limits.authFailureLimit = 0;
    expect(it.fail(100)).toBe(0);
    expect(it.bans.size).toBe(0);
  });

  test("is told until when", () => {
    const it = new Fixture();
    it.fail(10);
    const refused = () => it.bans.check("acme", { remoteAddress: "192.0.2.7" });
    expect(refused).toThrow("too many failed logins from 192.0.2.7");
    try {
      refused();
    } catch (error) {
      expect(error).toMatchObject({
        sqlstate: "28000",
        detail: "The address is banned from this tenant until 2026-08-01T12:02:00.000Z.",
      });
    }
  });
});

describe("the bans of a tenant", () => {
  test("are listed with their ends, and without those that are over", () => {
    const it = new Fixture();
    it.fail(10, "192.0.2.1");
    it.clock.advance(60_000);
    it.fail(10, "2001:db8::1");
    it.fail(9, "192.0.2.3");
    expect(it.bans.list("acme")).toEqual([
      { address: "192.0.2.1", bannedUntilMs: STARTED_MS + 120_000 },
      { address: "2001:db8::/64", bannedUntilMs: STARTED_MS + 180_000 },
    ]);
    it.clock.advance(60_000);
    expect(it.bans.list("acme").map(({ address }) => address)).toEqual(["2001:db8::/64"]);
    expect(it.bans.list("other")).toEqual([]);
  });

  test("are lifted by the names they are listed by, and by any address of them", () => {
    const it = new Fixture();
    for (const address of ["192.0.2.1", "192.0.2.2", "2001:db8:0:1::1", "2001:db8:0:2::1"])
      it.fail(10, address);
    const left = it.bans.lift("acme", [
      "::ffff:192.0.2.1",
      "2001:db8:0:1::/64",
      "2001:db8:0:2::77",
    ]);
    expect(left.map(({ address }) => address)).toEqual(["192.0.2.2"]);
    expect(it.isBanned("192.0.2.1")).toBe(false);
    expect(it.fail(9, "192.0.2.1")).toBe(0); // its failures are forgotten
  });

  test("stay where somebody is lifted who was not banned", () => {
    const it = new Fixture();
    it.fail(10);
    expect(it.bans.lift("acme", ["192.0.2.99", "no address", ""])).toHaveLength(1);
    expect(it.bans.lift("other", ["192.0.2.7"])).toEqual([]);
    expect(it.isBanned()).toBe(true);
  });
});

describe("a flood of addresses", () => {
  test("takes a bounded memory, and drives out the oldest of the same tenant", () => {
    const it = new Fixture();
    it.fail(10, "192.0.2.7", "quiet");
    it.fail(10, "192.0.2.7", "flooded");
    for (let index = 0; index < 20_000; index += 1) it.fail(1, addressOf(index), "flooded");
    expect(it.bans.size).toBe(4096 + 1);
    expect(it.isBanned("192.0.2.7", "quiet")).toBe(true);
    expect(it.isBanned("192.0.2.7", "flooded")).toBe(false);
  });

  test("does not drive out a banned address that goes on trying", () => {
    const it = new Fixture();
    it.fail(10);
    for (let index = 0; index < 10_000; index += 1) {
      it.fail(1, addressOf(index));
      if (index % 1000 === 0) expect(it.isBanned()).toBe(true);
    }
    expect(it.isBanned()).toBe(true);
  });

  test("against many tenants takes a bounded memory too", () => {
    const it = new Fixture();
    for (let index = 0; index < 100_000; index += 1)
      it.fail(1, addressOf(index), `tenant-${index % 50}`);
    expect(it.bans.size).toBe(65_536);
    it.fail(1, "192.0.2.1", "another");
    expect(it.bans.size).toBe(65_536);
  });

  test("is forgotten wholly when it is lifted", () => {
    const it = new Fixture();
    const addresses = Array.from({ length: 100 }, (_, index) => addressOf(index));
    for (const address of addresses) it.fail(10, address);
    expect(it.bans.lift("acme", addresses)).toEqual([]);
    expect(it.bans.size).toBe(0);
  });
});

function addressOf(index: number): string {
  return `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
}
