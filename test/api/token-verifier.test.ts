import { beforeAll, describe, expect, test } from "bun:test";
import { createHash, createHmac } from "node:crypto";
import {
  createLocalJWKSet,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importJWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from "jose";
import { type TokenRules, type Verdict, verifyToken } from "../../src/api/token-verifier.ts";

const NOW_ISO = "2026-06-01T00:00:00.000Z";
const NOW = Date.parse(NOW_ISO) / 1000;
const SECRET = "the key of all tokens of this test";
const HOUR = 3600;

const SECRET_ALGORITHMS = ["HS256", "HS384", "HS512"];
const PUBLIC_ALGORITHMS = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA".split(" ");

type KeyPair = Awaited<ReturnType<typeof generateKeyPair>>;

const pairs = new Map<string, KeyPair>();
let strangers: KeyPair;
let publicKeys: TokenRules["publicKeys"];

beforeAll(async () => {
  strangers = await generateKeyPair("ES256");
  // One RSA key serves all its algorithms: making one is slow.
  const rsa = await generateKeyPair("RS256", { extractable: true });
  const keys = await Promise.all(
    PUBLIC_ALGORITHMS.map(async (alg) => {
      const isRsa = alg.startsWith("RS") || alg.startsWith("PS");
      const pair = isRsa ? await rsaFor(alg, rsa) : await generateKeyPair(alg);
      pairs.set(alg, pair);
      return { ...(await exportJWK(pair.publicKey)), alg, kid: alg };
    }),
  );
  publicKeys = createLocalJWKSet({ keys });
}, 30_000);

/** The same RSA key for another algorithm: WebCrypto binds a key to one. */
async function rsaFor(alg: string, rsa: KeyPair): Promise<KeyPair> {
  const imported = await Promise.all(
    [rsa.privateKey, rsa.publicKey].map(async (key) =>
      importJWK(await exportJWK(key), alg, { extractable: true }),
    ),
  );
  const [privateKey, publicKey] = imported;
  if (!(privateKey instanceof CryptoKey) || !(publicKey instanceof CryptoKey))
    throw new Error("an RSA key is a CryptoKey");
  return { privateKey, publicKey };
}

function rules(changed: Partial<TokenRules> = {}): TokenRules {
  const none = { publicKeys: null, claims: {}, blocklist: [] };
  return { secret: SECRET, requireExp: true, ...none, ...changed };
}

function sign(
  claims: JWTPayload,
  header: Partial<JWTHeaderParameters> = {},
  key: CryptoKey | Uint8Array = new TextEncoder().encode(SECRET),
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256", typ: "JWT", ...header }).sign(key);
}

function encode(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}

/** A JWT by hand, for what a library refuses to sign. */
function forge(header: object, claims: unknown, key: string | null): string {
  const signed = `${encode(header)}.${encode(claims)}`;
  if (key === null) return `${signed}.`;
  return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
}

const verify = (token: string, changed: Partial<TokenRules> = {}) =>
  verifyToken(token, rules(changed), { iso: () => NOW_ISO });

const kindOf = async (token: string, changed: Partial<TokenRules> = {}) =>
  (await verify(token, changed)).kind;

function away(): Promise<never> {
  return Promise.reject(new TypeError("fetch failed at 10.1.2.3"));
}

describe("a token's key", () => {
  test.each(SECRET_ALGORITHMS)("may be our secret, by %s", async (alg) => {
    const token = await sign({ exp: NOW + HOUR, sub: "ops" }, { alg });
    expect(await verify(token)).toEqual({ kind: "accepted", name: "ops" });
    expect(await kindOf(token, { publicKeys })).toBe("accepted");
    expect(await kindOf(token, { secret: "another key of the same kind" })).toBe("invalid");
    expect(await kindOf(token, { secret: null, publicKeys })).toBe("invalid");
  });

  test.each(PUBLIC_ALGORITHMS)("may be a public one, by %s", async (alg) => {
    const pair = pairs.get(alg);
    if (pair === undefined) throw new Error(alg);
    const token = await sign({ exp: NOW + HOUR, iss: "id" }, { alg, kid: alg }, pair.privateKey);
    expect(await verify(token, { publicKeys })).toEqual({ kind: "accepted", name: "id" });
    expect(await kindOf(token, { secret: null, publicKeys })).toBe("accepted");
    expect(await kindOf(token)).toBe("invalid");
  });

  test("can't be a public key used as if it were the secret", async () => {
    const keys = await Promise.all(
      [...pairs].map(async ([alg, { publicKey }]) => {
        const spki = await exportSPKI(publicKey);
        const jwk = JSON.stringify({ ...(await exportJWK(publicKey)), alg, kid: alg });
        return [spki, spki.trim(), jwk].map((key) => ({ alg, key }));
      }),
    );
    const tokens = keys
      .flat()
      .map(({ alg, key }) =>
        forge({ alg: "HS256", kid: alg, typ: "JWT" }, { exp: NOW + HOUR }, key),
      );
    expect(tokens).toHaveLength(3 * PUBLIC_ALGORITHMS.length);
    const kinds = await Promise.all(
      tokens.flatMap((token) => [
        kindOf(token, { secret: null, publicKeys }),
        kindOf(token, { publicKeys }),
      ]),
    );
    expect(new Set(kinds)).toEqual(new Set(["invalid"]));
  });

  test.each(["none", "None", "NONE", "nOnE", "", "HS1", "A128KW", "dir"])(
    "can't be missing: alg %j",
    async (alg) => {
      const claims = { exp: NOW + HOUR };
      const tokens = [null, SECRET].map((key) => forge({ alg, typ: "JWT" }, claims, key));
      expect(await Promise.all(tokens.map((token) => kindOf(token, { publicKeys })))).toEqual([
        "invalid",
        "invalid",
      ]);
    },
  );

  test("can't be one that the set does not have, nor one that the token brings along", async () => {
    const token = await sign({ exp: NOW + HOUR }, { alg: "ES256", kid: "x" }, strangers.privateKey);
    expect(await kindOf(token, { publicKeys })).toBe("invalid");
    const jwk = await exportJWK(strangers.publicKey);
    const own = await sign({ exp: NOW + HOUR }, { alg: "ES256", jwk }, strangers.privateKey);
    expect(await kindOf(own, { publicKeys })).toBe("invalid");
  });

  test("can't be had while the place of the public keys is away, which is not the token's fault", async () => {
    const token = await sign({ exp: NOW + HOUR }, { alg: "ES256" }, strangers.privateKey);
    const verdict = await verify(token, { publicKeys: away });
    expect(verdict.kind).toBe("unverifiable");
    expect(JSON.stringify(verdict)).not.toContain("10.1.2.3");
    expect(await kindOf(await sign({ exp: NOW + HOUR }), { publicKeys: away })).toBe("accepted");
  });

  test("is asked for in words where nobody has set one", async () => {
    const verdict = await verify(await sign({ exp: NOW + HOUR }), { secret: null });
    expect(verdict).toMatchObject({ kind: "unverifiable" });
    expect(JSON.stringify(verdict)).toContain("API_JWT_SECRET");
  });
});

describe("a token's time", () => {
  test.each([
    ["ends now", { exp: NOW + 1 }, "accepted"],
    ["ended within the tolerance", { exp: NOW - 4 }, "accepted"],
    ["has ended", { exp: NOW - 6 }, "invalid"],
    ["ended long ago", { exp: 0 }, "invalid"],
    ["begins within the tolerance", { exp: NOW + HOUR, nbf: NOW + 4 }, "accepted"],
    ["has not begun", { exp: NOW + HOUR, nbf: NOW + 60 }, "invalid"],
    ["was made now", { exp: NOW + HOUR, iat: NOW }, "accepted"],
    ["was made by a clock that is a little ahead", { exp: NOW + HOUR, iat: NOW + 4 }, "accepted"],
    ["was made in the future", { exp: NOW + HOUR, iat: NOW + 60 }, "invalid"],
    ["never ends", {}, "invalid"],
  ] as const)("%s", async (_, claims, kind) => {
    expect(await kindOf(await sign(claims))).toBe(kind);
  });

  test.each([
    { exp: "tomorrow" },
    { exp: null },
    { exp: NOW + HOUR, nbf: "x" },
    { exp: NOW + HOUR, iat: {} },
    { exp: [NOW + HOUR] },
    { exp: true },
  ])("is no time: %j", async (claims) => {
    expect(await kindOf(forge({ alg: "HS256" }, claims, SECRET))).toBe("invalid");
  });

  test("may have no end where the settings say so, but an end holds all the same", async () => {
    const open = { requireExp: false };
    expect(await kindOf(await sign({}), open)).toBe("accepted");
    expect(await kindOf(await sign({ exp: NOW - HOUR }), open)).toBe("invalid");
  });
});

describe("a token's claims", () => {
  const claims = { role: "admin", aud: "carpool" };

  test.each([
    [{ role: "admin", aud: "carpool" }, "accepted"],
    [{ role: "admin", aud: ["other", "carpool"], more: 1 }, "accepted"],
    [{ role: "admin" }, "forbidden"],
    [{ role: "user", aud: "carpool" }, "forbidden"],
    [{ role: null, aud: "carpool" }, "forbidden"],
    [{ role: "Admin", aud: "carpool" }, "forbidden"],
    [{ role: ["user"], aud: "carpool" }, "forbidden"],
    [{ role: { admin: true }, aud: "carpool" }, "forbidden"],
    [{}, "forbidden"],
  ] satisfies [JWTPayload, Verdict["kind"]][])("%j are %s", async (own, kind) => {
    expect(await kindOf(await sign({ exp: NOW + HOUR, ...own }), { claims })).toBe(kind);
  });

  test("are named where they don't fit, without their values", async () => {
    const token = await sign({ exp: NOW + HOUR, role: "user", aud: "carpool" });
    const verdict = await verify(token, { claims: { aud: "carpool", role: "hidden" } });
    expect(JSON.stringify(verdict)).toContain("role");
    expect(JSON.stringify(verdict)).not.toContain("hidden");
  });

  test("are not looked at in a token that is not good", async () => {
    const token = await sign({ exp: NOW - HOUR, role: "user" });
    expect(await kindOf(token, { claims })).toBe("invalid");
  });

  test.each([
    [{ sub: "ops", iss: "id" }, "ops"],
    [{ iss: "id" }, "id"],
    [{ sub: "" }, "token"],
    [{ sub: "x".repeat(500) }, "x".repeat(128)],
    [{ sub: "ops\n{}\u202e\u2028" }, "ops?{}??"],
  ])("give a name: %j", async (own, name) => {
    expect(await verify(await sign({ exp: NOW + HOUR, ...own }))).toEqual({
      kind: "accepted",
      name,
    });
  });
});

describe("the blocklist", () => {
  test("holds tokens and their hashes, of a good token and of no other", async () => {
    const token = await sign({ exp: NOW + HOUR });
    const hash = createHash("sha256").update(token).digest("hex");
    const other = await sign({ exp: NOW + HOUR, jti: "2" });
    const kinds = await Promise.all(
      [token, hash, hash.toUpperCase()]
        .map((item) => ["x", item, "0".repeat(64)])
        .map(async (blocklist) => [
          await kindOf(token, { blocklist }),
          await kindOf(other, { blocklist }),
        ]),
    );
    expect(kinds).toEqual(Array.from({ length: 3 }, () => ["forbidden", "accepted"]));
  });

  test("does not tell whether a token that is not good is on it", async () => {
    const token = await sign({ exp: NOW - HOUR });
    expect(await kindOf(token, { blocklist: [token] })).toBe("invalid");
  });
});

describe("what is no token", () => {
  test.each([
    "",
    ".",
    "..",
    "...",
    "a.b",
    "a.b.c",
    "a.b.c.d.e",
    "é.é.é",
    `${"A".repeat(100_000)}.A.A`,
    "e30.e30.",
    "bnVsbA.e30.AA",
  ])("is refused: %j", async (token) => {
    expect(await kindOf(token, { publicKeys })).toBe("invalid");
  });

  test.each([
    [{ alg: "HS256", typ: "JWE" }, { exp: NOW + HOUR }],
    [{ alg: "HS256", typ: 1 }, { exp: NOW + HOUR }],
    [{ alg: "HS256", crit: ["x"], x: 1 }, { exp: NOW + HOUR }],
    [{ alg: "HS256", b64: false, crit: ["b64"] }, { exp: NOW + HOUR }],
    [{ alg: ["HS256"] }, { exp: NOW + HOUR }],
    [{ alg: "HS256" }, null],
    [{ alg: "HS256" }, [1]],
    [{ alg: "HS256" }, "text"],
  ])("is refused though it is signed: %j %j", async (header, claims) => {
    expect(await kindOf(forge(header, claims, SECRET))).toBe("invalid");
  });

  test.each([undefined, "JWT", "jwt", "at+jwt"])(
    "may say that it is one or not: %s",
    async (typ) => {
      const header = typ === undefined ? { alg: "HS256" } : { alg: "HS256", typ };
      expect(await kindOf(forge(header, { exp: NOW + HOUR }, SECRET))).toBe("accepted");
    },
  );
});
