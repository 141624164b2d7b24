import { describe, expect, test } from "bun:test";
import { md5Verifier } from "../../../src/auth/md5.ts";
import type { Secret } from "../../../src/auth/secret.ts";
import {
  loginVerifiers,
  md5Alternatives,
  scramAlternatives,
  secretOfPassword,
} from "../../../src/proxy/login/login-verifiers.ts";
import { NO_SECRETS } from "../../../src/proxy/login/user-secrets.ts";
import { Verifiers } from "../../../src/proxy/login/verifiers.ts";
import { verifierOf } from "../../auth/login.ts";

const CLAIM = "app@acme";
const OTHER_SALT = new Uint8Array(16).fill(2);
const verifiers = new Verifiers(new Uint8Array(32));

function plain(password: string): Secret {
  return { kind: "plaintext", password };
}

function scram(password: string, salt?: Uint8Array): Secret {
  return { kind: "scram", verifier: verifierOf(password, salt) };
}

function md5(password: string): Secret {
  return { kind: "md5", verifier: md5Verifier("app", password) };
}

/** Which of `texts` proves `secret` or `previous`. */
async function provenBy(secret: Secret | null, previous: Secret | null, ...texts: string[]) {
  const made = await loginVerifiers({ secret, previous }, CLAIM, verifiers);
  return Promise.all(texts.map((text) => secretOfPassword(text, "app", made)));
}

describe("loginVerifiers", () => {
  test("let one SCRAM exchange check a password and the one before it", async () => {
    const [secret, previous] = [plain("new"), plain("old")];
    const made = await loginVerifiers({ secret, previous }, CLAIM, verifiers);
    expect(made.map((each) => each.secret)).toEqual([secret, previous]);
    expect(scramAlternatives(made)).toEqual(made.slice(1).map(({ verifier }) => verifier));
    expect(made[1]?.verifier.salt).toEqual(made[0].verifier.salt);
  });

  test("are there at once from the second time on, for both", async () => {
    const secrets = { secret: plain("new"), previous: plain("old") };
    await loginVerifiers(secrets, CLAIM, verifiers);
    expect(loginVerifiers(secrets, CLAIM, verifiers)).not.toBeInstanceOf(Promise);
  });

  test.each<[string, Secret, Secret, number]>([
    ["two verifiers of one salt", scram("new"), scram("old"), 1],
    ["two verifiers of two salts", scram("new"), scram("old", OTHER_SALT), 0],
    ["a password and a verifier", plain("new"), scram("old"), 0],
    ["a verifier and a password", scram("new"), plain("old"), 0],
    ["a password and an MD5 hash", plain("new"), md5("old"), 0],
  ])(
    "let SCRAM check the one before as well, of %s: %d",
    async (_what, secret, previous, count) => {
      const made = await loginVerifiers({ secret, previous }, CLAIM, verifiers);
      expect(scramAlternatives(made)).toHaveLength(count);
    },
  );

  test("have one that nobody fits for who does not exist", async () => {
    const made = await loginVerifiers(NO_SECRETS, CLAIM, verifiers);
    expect(made).toHaveLength(1);
    expect(scramAlternatives(made)).toEqual([]);
    expect(await provenBy(null, null, "", "new")).toEqual([null, null]);
  });
});

describe("secretOfPassword", () => {
  const kinds = [plain, scram, md5, (password: string) => scram(password, OTHER_SALT)];

  test.each(kinds.flatMap((present) => kinds.map((before) => [present("new"), before("old")])))(
    "finds which one a password in clear text is",
    async (secret = plain(""), previous = plain("")) => {
      const found = await provenBy(secret, previous, "new", "old", "third", "");
      expect(found).toEqual([secret, previous, null, null]);
      expect(await provenBy(secret, null, "new", "old")).toEqual([secret, null]);
    },
  );
});

describe("md5Alternatives", () => {
  test("make of a password its hash", () => {
    expect(md5Alternatives(plain("old"), "app")).toEqual([md5Verifier("app", "old")]);
    expect(md5Alternatives(md5("old"), "app")).toEqual([md5Verifier("app", "old")]);
  });

  test("know none for a SCRAM verifier, and none where there is nothing", () => {
    expect(md5Alternatives(scram("old"), "app")).toEqual([]);
    expect(md5Alternatives(null, "app")).toEqual([]);
  });
});
