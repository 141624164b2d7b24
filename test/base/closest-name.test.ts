import { describe, expect, test } from "bun:test";
import { closestName } from "../../src/base/closest-name.ts";

const KNOWN = ["pool_size", "db_password", "enforce_ssl", "users"];

describe("closestName", () => {
  test.each([
    ["pool_sizes", "pool_size"],
    ["pol_size", "pool_size"],
    ["pool-size", "pool_size"],
    ["POOL_SIZE", "pool_size"],
    ["db_pasword", "db_password"],
    ["db_passwrod", "db_password"],
    ["enfroce_sll", "enforce_ssl"],
  ])("takes %s for %s", (typed, meant) => {
    expect(closestName(typed, KNOWN)).toBe(meant);
  });

  test.each(["", "pool", "password", "enforce_tls_now", "seru", "usr_"])(
    "takes %p for nothing",
    (typed) => {
      expect(closestName(typed, KNOWN)).toBeNull();
    },
  );

  test("prefers the nearer of two", () => {
    expect(closestName("abcx", ["abyy", "abcd"])).toBe("abcd");
  });

  test("finds nothing among nothing", () => {
    expect(closestName("users", [])).toBeNull();
  });
});
