import { describe, expect, test } from "bun:test";
import {
  hasSeveralOwners,
  type OwnedTenant,
  ownersOf,
  servesLocally,
} from "../../src/cluster/tenant-owners.ts";
import { tenantUserSchema } from "../../src/tenants/tenant-user.ts";

const RANKING = [2, 0, 3, 1];

function tenant(fields: Partial<OwnedTenant>, poolSizes: readonly (number | null)[] = [null]) {
  const users = poolSizes.map((pool_size, number) =>
    tenantUserSchema.parse({ db_user: `user-${number}`, pool_size }),
  );
  const usual = { owners: null, default_pool_size: 15, max_server_connections: null };
  return { ...usual, require_user: true, users, ...fields };
}

describe("ownersOf", () => {
  test("gives a small tenant the first worker of its ranking alone", () => {
    expect(ownersOf(tenant({ default_pool_size: 9 }), RANKING)).toEqual([2]);
    expect(ownersOf(tenant({ default_pool_size: 1 }), RANKING)).toEqual([2]);
  });

  test("gives one more worker for every five servers of the largest pool", () => {
    expect(ownersOf(tenant({ default_pool_size: 10 }), RANKING)).toEqual([2, 0]);
    expect(ownersOf(tenant({ default_pool_size: 2 }, [null, 15, 3]), RANKING)).toEqual([2, 0, 3]);
  });

  test("never gives more workers than there are", () => {
    expect(ownersOf(tenant({ default_pool_size: 10_000 }), RANKING)).toEqual(RANKING);
    expect(ownersOf(tenant({ owners: 64 }), RANKING)).toEqual(RANKING);
    expect(ownersOf(tenant({ owners: 64 }), [0])).toEqual([0]);
  });

  test("gives what the operator asks for, whatever the size of the pool", () => {
    expect(ownersOf(tenant({ owners: 3, default_pool_size: 1 }), RANKING)).toEqual([2, 0, 3]);
    expect(ownersOf(tenant({ owners: 1, default_pool_size: 500 }), RANKING)).toEqual([2]);
  });

  test("counts no servers that the tenant's maximum rules out", () => {
    const limited = tenant({ default_pool_size: 100, max_server_connections: 9 });
    expect(ownersOf(limited, RANKING)).toEqual([2]);
  });

  test("counts the usual pool of roles that only PostgreSQL knows", () => {
    const listed = tenant({ default_pool_size: 20 }, [1]);
    expect(hasSeveralOwners(listed, RANKING)).toBe(false);
    expect(hasSeveralOwners({ ...listed, require_user: false }, RANKING)).toBe(true);
  });
});

describe("servesLocally", () => {
  test("lets the first owner serve its clients from the first one on", () => {
    expect(servesLocally(tenant({ owners: 1 }), RANKING, 2, 1)).toBe(true);
  });

  test("lets other owners serve theirs once eight have come in there", () => {
    const large = tenant({ default_pool_size: 15 });
    expect([1, 7].map((clients) => servesLocally(large, RANKING, 0, clients))).toEqual([
      false,
      false,
    ]);
    expect([8, 900].map((clients) => servesLocally(large, RANKING, 3, clients))).toEqual([
      true,
      true,
    ]);
  });

  test("lets owners that the operator asked for serve their first client", () => {
    expect(servesLocally(tenant({ owners: 2 }), RANKING, 0, 1)).toBe(true);
  });

  test("has all other workers send their clients away, however many there are", () => {
    expect(servesLocally(tenant({ owners: 2 }), RANKING, 3, 1_000)).toBe(false);
    expect(servesLocally(tenant({ default_pool_size: 4 }), RANKING, 0, 1_000)).toBe(false);
  });
});
