import { describe, expect, test } from "bun:test";
import { sessionTimes } from "../../../src/proxy/client/session-times.ts";
import { secretOf } from "../../../src/proxy/login/user-secrets.ts";
import { type PoolRecipe, servesAsWell } from "../../../src/proxy/pools/pool-recipe.ts";

const NOW = "2026-01-01T12:00:00.000Z";
const LATER = "2026-01-01T13:00:00.000Z";

const RECIPE: PoolRecipe = {
  address: { hostname: "db.test", port: 5432, ipVersion: "auto", tls: null },
  user: "app",
  database: "main",
  secrets: { secret: secretOf("old"), previous: null },
  limits: {
    size: 5,
    lendingOrder: "lifo",
    sizeMin: 0,
    reserve: 0,
    reserveAfterMs: 1000,
    checkoutTimeoutMs: 1000,
    connectDeadlineMs: 1000,
    idleTimeoutMs: 1000,
    lifetimeMs: 1000,
    retryMinMs: 1000,
    retryMaxMs: 1000,
  },
  times: sessionTimes({
    clientIdleMs: 0,
    idleTransactionMs: 0,
    queryMs: 0,
    transactionMs: 0,
    checkDelayMs: 0,
    heartbeatSeconds: 0,
  }),
  parameterDefaults: null,
  hiddenStateCheck: 0,
  clientsMax: 10,
  pins: { max: 1, here: 1 },
};

/** The recipe with another password, and the one before for so long. */
function withNewPassword(validUntil: string | null): PoolRecipe {
  const previous = secretOf("old");
  return {
    ...RECIPE,
    secrets: {
      secret: secretOf("new"),
      previous: previous === null || validUntil === null ? null : { secret: previous, validUntil },
    },
  };
}

describe("servers of an older recipe", () => {
  test("serve as well where only limits and times are others", () => {
    const after = {
      ...RECIPE,
      limits: { ...RECIPE.limits, size: 9 },
      clientsMax: 99,
      pins: { max: 2, here: 2 },
    };
    expect(servesAsWell(RECIPE, after, NOW)).toBe(true);
  });

  test("serve as well where an equal recipe was read anew", () => {
    expect(servesAsWell(RECIPE, structuredClone(RECIPE), NOW)).toBe(true);
  });

  test("serve as well while their password still holds", () => {
    expect(servesAsWell(RECIPE, withNewPassword(LATER), NOW)).toBe(true);
  });

  test("do not serve once their password holds no more", () => {
    expect(servesAsWell(RECIPE, withNewPassword(NOW), NOW)).toBe(false);
    expect(servesAsWell(RECIPE, withNewPassword(null), NOW)).toBe(false);
  });

  test("do not serve with a password that was neither the last nor the one before", () => {
    const before = { ...RECIPE, secrets: { secret: secretOf("older"), previous: null } };
    expect(servesAsWell(before, withNewPassword(LATER), NOW)).toBe(false);
  });

  test("do not serve where they are in another place, of another role or another database", () => {
    const { address } = RECIPE;
    const others: PoolRecipe[] = [
      { ...RECIPE, address: { ...address, port: 5433 } },
      {
        ...RECIPE,
        address: { ...address, tls: { verification: "none", certificateAuthority: null } },
      },
      { ...RECIPE, user: "other" },
      { ...RECIPE, database: "other" },
    ];
    expect(others.map((other) => servesAsWell(RECIPE, other, NOW))).toEqual(
      others.map(() => false),
    );
  });
});
