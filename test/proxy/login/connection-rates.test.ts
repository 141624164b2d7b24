import { describe, expect, test } from "bun:test";
import { ConnectionRateError, ConnectionRates } from "../../../src/proxy/login/connection-rates.ts";
import type { StoredTenant } from "../../../src/tenants/tenant.ts";
import { validateTenant } from "../../../src/tenants/validate-tenant.ts";
import { FakeClock } from "../../support/fake-clock.ts";

function tenant(rate: number | null, externalId = "acme"): StoredTenant {
  const fields = { external_id: externalId, db_host: "h", db_port: 5432, db_database: "d" };
  const users = [{ db_user: "u", db_password: "p" }];
  const checked = validateTenant(
    { ...fields, users, max_connection_rate: rate },
    { globalUpstreamCa: false },
  );
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  return { ...checked.value, id: externalId, inserted_at: "", updated_at: "" };
}

/** How many of so many logins at once are taken. */
function taken(rates: ConnectionRates, of: StoredTenant, attempts: number): number {
  let count = 0;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    try {
      rates.take(of);
      count += 1;
    } catch (error) {
      expect(error).toBeInstanceOf(ConnectionRateError);
    }
  }
  return count;
}

describe("a tenant's connection rate", () => {
  test("lets in one second's worth at once, and not one more", () => {
    expect(taken(new ConnectionRates(new FakeClock()), tenant(5), 100)).toBe(5);
  });

  test("fills steadily", () => {
    const clock = new FakeClock();
    const rates = new ConnectionRates(clock);
    taken(rates, tenant(5), 5);
    clock.advance(199);
    expect(taken(rates, tenant(5), 1)).toBe(0);
    clock.advance(1);
    expect(taken(rates, tenant(5), 2)).toBe(1);
    clock.advance(600);
    expect(taken(rates, tenant(5), 10)).toBe(3);
  });

  test("never lets in more than two seconds' worth within a second", () => {
    const clock = new FakeClock();
    const rates = new ConnectionRates(clock);
    clock.advance(3_600_000);
    let count = taken(rates, tenant(10), 100);
    for (let step = 0; step < 100; step += 1) {
      clock.advance(10);
      count += taken(rates, tenant(10), 100);
    }
    expect(count).toBeLessThanOrEqual(20);
    expect(count).toBeGreaterThanOrEqual(19); // parts of a token are not always whole together
  });

  test("is not used up by logins that were refused", () => {
    const clock = new FakeClock();
    const rates = new ConnectionRates(clock);
    taken(rates, tenant(1), 1000);
    clock.advance(1000);
    expect(taken(rates, tenant(1), 1)).toBe(1);
  });

  test("is each tenant's own", () => {
    const rates = new ConnectionRates(new FakeClock());
    expect(taken(rates, tenant(2, "one"), 9)).toBe(2);
    expect(taken(rates, tenant(2, "two"), 9)).toBe(2);
  });

  test("that is changed holds at once", () => {
    const clock = new FakeClock();
    const rates = new ConnectionRates(clock);
    expect(taken(rates, tenant(100), 50)).toBe(50);
    expect(taken(rates, tenant(3), 9)).toBe(3);
    clock.advance(100);
    expect(taken(rates, tenant(100), 99)).toBe(10);
  });

  test("that is not set limits nothing", () => {
    expect(taken(new ConnectionRates(new FakeClock()), tenant(null), 10_000)).toBe(10_000);
  });

  test("tells who is refused the limit and how long to wait", () => {
    const rates = new ConnectionRates(new FakeClock());
    rates.take(tenant(1));
    expect(() => rates.take(tenant(1))).toThrow("too many logins at a time");
    try {
      rates.take(tenant(1));
    } catch (error) {
      expect(error).toMatchObject({
        sqlstate: "53300",
        detail:
          "max_connection_rate is 1 logins in a second; there is room for the next one in 1000 ms.",
      });
    }
  });
});
