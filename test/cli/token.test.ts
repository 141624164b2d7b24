import { describe, expect, test } from "bun:test";
import { decodeProtectedHeader, jwtVerify } from "jose";
import { runCli } from "../../src/cli/run-cli.ts";
import type { Environment } from "../../src/config/unknown-names.ts";

const SECRET = "the key of all tokens of this test";
const NOW_MS = 1_750_000_000_900;

async function token(env: Environment, ...args: string[]) {
  let out = "";
  let error = "";
  const exitCode = await runCli(["token", ...args], {
    env,
    workingDirectory: "/nonexistent",
    now: () => NOW_MS,
    writeOut: (text) => void (out += text),
    writeError: (text) => void (error += text),
  });
  return { exitCode, out, error };
}

async function claimsOf(text: string) {
  const { payload } = await jwtVerify(text.trim(), new TextEncoder().encode(SECRET), {
    currentDate: new Date(NOW_MS),
  });
  return payload;
}

describe("carpool token", () => {
  test("prints the token and nothing else, good for an hour", async () => {
    const { exitCode, out, error } = await token({ API_JWT_SECRET: SECRET });
    expect([exitCode, error]).toEqual([0, ""]);
    expect(out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    expect(decodeProtectedHeader(out.trim())).toEqual({ alg: "HS256", typ: "JWT" });
    const iat = Math.floor(NOW_MS / 1000);
    expect(await claimsOf(out)).toEqual({ iat, exp: iat + 3600 });
  });

  test("takes the end, the name, and the claims that the API demands", async () => {
    const { out } = await token(
      { API_JWT_SECRET: SECRET, JWT_CLAIM_VALIDATORS: '{"role":"admin"}' },
      "--expires=2d",
      "--subject=ops",
    );
    const { exp = 0, iat = 0, sub, ["role"]: role } = await claimsOf(out);
    expect([exp - iat, sub, role]).toEqual([172_800, "ops", "admin"]);
  });

  test("says what to do where there is no key, and prints nothing to standard output", async () => {
    const { exitCode, out, error } = await token({});
    expect([exitCode, out]).toEqual([1, ""]);
    expect(error).toStartWith("error: API_JWT_SECRET is not set: ");
  });

  test.each(["0", "never", "-1h", "1w", "4000d"])("refuses --expires=%s", async (expires) => {
    const { exitCode, out, error } = await token(
      { API_JWT_SECRET: SECRET },
      `--expires=${expires}`,
    );
    expect([exitCode, out]).toEqual([1, ""]);
    expect(error).toContain("--expires=");
    expect(error).not.toContain(SECRET);
  });
});
