/**
 * Clients of several workers, counted together.
 */

import { beforeEach, describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { ClientLedger, type ClientLimits } from "../../src/cluster/client-ledger.ts";

const LIMITS: ClientLimits = { tenantMax: 4, userMax: 3, poolsMax: 2 };

let ledger: ClientLedger;

beforeEach(() => {
  ledger = new ClientLedger();
});

const client = (alias: string, pool: string | null = `${alias} pool`, tenant = "acme") => ({
  tenant,
  alias,
  pool,
});

describe("a client", () => {
  test("is let in up to the user's limit, whichever workers they are at", () => {
    for (const worker of [0, 1, 2]) expect(ledger.enter(worker, client("app"), LIMITS)).toBeNull();
    expect(ledger.enter(0, client("app"), LIMITS)).toEqual({ limit: "user", current: 3, max: 3 });
  });

  test("is let in up to the tenant's limit, whoever they are", () => {
    for (const worker of [0, 1, 2]) ledger.enter(worker, client("app"), LIMITS);
    expect(ledger.enter(0, client("web"), LIMITS)).toBeNull();
    const refusal = { limit: "tenant", current: 4, max: 4 } as const;
    expect(ledger.enter(1, client("web"), LIMITS)).toEqual(refusal);
    expect(ledger.enter(1, client("web", "web pool", "other"), LIMITS)).toBeNull();
  });

  test("has no tenant's limit where none is set", () => {
    const limits = { ...LIMITS, tenantMax: null, userMax: 1000 };
    for (let count = 0; count < 1000; count += 1)
      expect(ledger.enter(count % 3, client("app"), limits)).toBeNull();
    expect(ledger.clientsOf("acme")).toBe(1000);
  });

  test("may not use one pool more than there may be in use at all workers", () => {
    ledger.enter(0, client("app", "one"), LIMITS);
    ledger.enter(1, client("app", "two"), LIMITS);
    const refusal = { limit: "pools", current: 2, max: 2 } as const;
    expect(ledger.enter(2, client("app", "three"), LIMITS)).toEqual(refusal);
    expect(ledger.enter(2, client("app", "one"), LIMITS)).toBeNull();
  });

  test("that is native uses no pool", () => {
    const limits = { ...LIMITS, poolsMax: 0 };
    expect(ledger.enter(0, client("app", null), limits)).toBeNull();
  });

  test("that is refused counts for nothing", () => {
    const closed = { ...LIMITS, userMax: 0 };
    expect(ledger.enter(0, client("app"), closed)?.limit).toBe("user");
    expect([ledger.clientsOf("acme"), ledger.tenants]).toEqual([0, 0]);
  });

  test("makes room when it leaves, at whichever worker", () => {
    for (const worker of [0, 1, 2]) ledger.enter(worker, client("app"), LIMITS);
    ledger.remove(1, { ...client("app"), clients: 1 });
    expect(ledger.enter(2, client("app"), LIMITS)).toBeNull();
  });

  test("leaves its pool to others when it was the last in it, at all workers", () => {
    ledger.enter(0, client("app", "one"), LIMITS);
    ledger.enter(1, client("app", "one"), LIMITS);
    ledger.enter(1, client("app", "two"), LIMITS);
    ledger.remove(0, { ...client("app", "one"), clients: 1 });
    expect(ledger.enter(0, client("web", "three"), LIMITS)?.limit).toBe("pools");
    ledger.remove(1, { ...client("app", "one"), clients: 1 });
    expect(ledger.enter(0, client("web", "three"), LIMITS)).toBeNull();
  });
});

describe("a worker", () => {
  test("that is gone leaves nothing behind, and the others as they were", () => {
    for (const worker of [0, 1]) ledger.enter(worker, client("app"), LIMITS);
    ledger.add(1, { ...client("app", "x", "other"), clients: 5 });
    ledger.forgetWorker(1);
    expect([ledger.clientsOf("acme"), ledger.clientsOf("other"), ledger.tenants]).toEqual([
      1, 0, 1,
    ]);
  });

  test("can't give back more than it has", () => {
    for (const worker of [0, 0, 1]) ledger.enter(worker, client("app"), LIMITS);
    ledger.remove(1, { ...client("app"), clients: 3 });
    ledger.remove(2, { ...client("app"), clients: 1 });
    ledger.remove(0, { ...client("nobody"), clients: 1 });
    ledger.remove(0, { ...client("app", "x", "nowhere"), clients: 1 });
    expect(ledger.clientsOf("acme")).toBe(2);
  });

  test("has clients that were there before they were counted, also beyond the limit", () => {
    ledger.add(0, { ...client("app"), clients: 10 });
    expect(ledger.enter(1, client("web"), LIMITS)).toEqual({
      limit: "tenant",
      current: 10,
      max: 4,
    });
    ledger.forget(0, "acme");
    expect(ledger.enter(1, client("web"), LIMITS)).toBeNull();
  });

  test("adds nothing by adding nobody", () => {
    ledger.add(0, { ...client("app"), clients: 0 });
    expect(ledger.tenants).toBe(0);
  });
});

describe("whatever workers say", () => {
  const step = fc.record({
    kind: fc.constantFrom("enter", "leave", "die"),
    worker: fc.nat(2),
    alias: fc.constantFrom("app", "web"),
    pool: fc.constantFrom("one", "two", "three", null),
  });

  test("no limit is exceeded, and the counts are those of a plain list", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const tested = new ClientLedger();
        let list: { worker: number; alias: string; pool: string | null }[] = [];
        for (const { kind, worker, alias, pool } of steps) {
          const one = { ...client(alias, pool), clients: 1 };
          if (kind === "enter" && tested.enter(worker, one, LIMITS) === null)
            list.push({ worker, alias, pool });
          if (kind === "leave") {
            const at = list.findIndex(
              (it) => it.worker === worker && it.alias === alias && it.pool === pool,
            );
            if (at >= 0) list.splice(at, 1);
            tested.remove(worker, one);
          }
          if (kind === "die") {
            list = list.filter((it) => it.worker !== worker);
            tested.forgetWorker(worker);
          }
          expect(tested.clientsOf("acme")).toBe(list.length);
          expect(list.length).toBeLessThanOrEqual(4);
          expect(list.filter((it) => it.alias === "app").length).toBeLessThanOrEqual(3);
          const pools = new Set(list.flatMap((it) => it.pool ?? []));
          expect(pools.size).toBeLessThanOrEqual(2);
        }
      }),
    );
  });
});
