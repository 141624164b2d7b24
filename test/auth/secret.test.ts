import { describe, expect, test } from "bun:test";
import { parseScramVerifier } from "../../src/auth/scram-verifier.ts";
import { classifySecret } from "../../src/auth/secret.ts";
import { PENCIL_MD5_VERIFIER, PENCIL_VERIFIERS } from "./postgresql-verifiers.ts";

const [GOOD] = PENCIL_VERIFIERS;

describe("classifySecret", () => {
  test("knows a SCRAM verifier", () => {
    const verifier = parseScramVerifier(GOOD);
    if (verifier === null) throw new Error("the fixture is a verifier");
    expect(classifySecret(GOOD)).toEqual({ kind: "scram", verifier });
  });

  test("knows an MD5 verifier", () => {
    expect(classifySecret(PENCIL_MD5_VERIFIER)).toEqual({
      kind: "md5",
      verifier: PENCIL_MD5_VERIFIER,
    });
  });

  test.each([
    "pencil",
    "md5",
    "md5 is old",
    PENCIL_MD5_VERIFIER.toUpperCase(),
    PENCIL_MD5_VERIFIER.slice(0, -1),
    `${PENCIL_MD5_VERIFIER}0`,
    `${PENCIL_MD5_VERIFIER}\n`,
    "md5zzdcc6c3366b993fb4b6c619e63776f2",
    "scram-sha-256$4096",
    "SCRAM-SHA-256",
    " ",
  ])("takes anything else for a password: %j", (password) => {
    expect(classifySecret(password)).toEqual({ kind: "plaintext", password });
  });

  test("lets nobody in with the empty text", () => {
    expect(classifySecret("")).toBeNull();
  });

  test.each([
    GOOD.slice(0, -1),
    GOOD.replace("4096", "0"),
    GOOD.replace("256", "512"),
    "SCRAM-SHA-256$",
    "SCRAM-SHA-1$4096:c2FsdA==$a:b",
  ])("never takes a verifier it can't read for a password: %s", (text) => {
    expect(classifySecret(text)).toBeNull();
  });
});
