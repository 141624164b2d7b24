import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { verifyToken } from "../../../src/api/token-verifier.ts";
import { ApiKeys } from "../../../src/app/http/api-keys.ts";

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

/** Where the public keys are. */
let provider: ReturnType<typeof startProvider>;
let pair: KeyPair;

beforeEach(async () => {
  provider = startProvider();
  pair = await generateKeyPair("ES256");
  provider.keys = [{ ...(await exportJWK(pair.publicKey)), kid: "1" }];
});
afterEach(async () => {
  await provider.stop();
});

function startProvider() {
  const state = { keys: [] as JWK[], answer: null as Response | null, asked: 0 };
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch() {
      state.asked += 1;
      return state.answer?.clone() ?? Response.json({ keys: state.keys });
    },
  });
  const url = `http://127.0.0.1:${server.port}/jwks.json`;
  return Object.assign(state, { url, stop: () => server.stop(true) });
}

function sign(key: KeyPair, kid = "1"): Promise<string> {
  return new SignJWT({ sub: "ops" })
    .setProtectedHeader({ alg: "ES256", kid })
    .setExpirationTime("1h")
    .sign(key.privateKey);
}

async function kindOf(token: string, keys: ApiKeys, url = provider.url): Promise<string> {
  const rules = {
    secret: null,
    publicKeys: keys.at(url),
    requireExp: true,
    claims: {},
    blocklist: [],
  };
  const { kind } = await verifyToken(token, rules, { iso: () => new Date().toISOString() });
  return kind;
}

describe("ApiKeys", () => {
  test("finds the key of a token, and asks for it once", async () => {
    const keys = new ApiKeys();
    const token = await sign(pair);
    expect(await kindOf(token, keys)).toBe("accepted");
    await provider.stop();
    expect(await kindOf(token, keys)).toBe("accepted");
    expect(provider.asked).toBe(1);
  });

  test("is asked for keys that it does not have no more often than it may", async () => {
    const keys = new ApiKeys();
    expect(await kindOf(await sign(pair), keys)).toBe("accepted");
    const unknown = await sign(await generateKeyPair("ES256"), "2");
    for (let attempt = 0; attempt < 5; attempt += 1)
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await kindOf(unknown, keys)).toBe("invalid");
    expect(provider.asked).toBe(1);
  });

  test("refuses a token that another key has signed under a known name", async () => {
    expect(await kindOf(await sign(await generateKeyPair("ES256")), new ApiKeys())).toBe("invalid");
  });

  test.each([
    ["is away", new Response("no", { status: 503 })],
    ["sends no JSON", new Response("<html>")],
    ["sends no keys", Response.json({ keys: "none" })],
    ["sends elsewhere", Response.redirect("http://127.0.0.1:1/", 302)],
  ])("can't tell while the place %s", async (_, answer) => {
    provider.answer = answer;
    const keys = new ApiKeys();
    expect(await kindOf(await sign(pair), keys)).toBe("unverifiable");
    provider.answer = null;
    expect(await kindOf(await sign(pair), keys)).toBe("accepted");
  });

  test("asks the new place once the setting has changed, and none where there is none", async () => {
    const keys = new ApiKeys();
    expect(await kindOf(await sign(pair), keys)).toBe("accepted");
    expect(keys.at(null)).toBeNull();
    expect(await kindOf(await sign(pair), keys, `${provider.url}?2`)).toBe("accepted");
    expect(provider.asked).toBe(2);
  });
});
