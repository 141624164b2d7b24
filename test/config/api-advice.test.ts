import { describe, expect, test } from "bun:test";
import { loadConfig } from "../../src/config/load-config.ts";

function warnings(env: Readonly<Record<string, string>>): readonly string[] {
  return loadConfig({ env, file: null }).warnings;
}

describe("the advice on the API's settings", () => {
  test("warns of a key that can be guessed, by its length and not by what it is", () => {
    const [warning = ""] = warnings({ API_JWT_SECRET: "not so secret" });
    expect(warning).toStartWith("API_JWT_SECRET has 13 bytes: ");
    expect(warning).not.toContain("not so secret");
  });

  test("warns of public keys that come through a plain connection", () => {
    expect(warnings({ API_JWKS_URL: "http://id.example.com/jwks" })).toHaveLength(1);
  });

  test("says nothing where all is well", () => {
    expect(
      warnings({ API_JWT_SECRET: "x".repeat(32), API_JWKS_URL: "https://id.example.com/jwks" }),
    ).toEqual([]);
  });
});
