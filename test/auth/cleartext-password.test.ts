import { describe, expect, test } from "bun:test";
import {
  matchesCleartextPassword,
  type UnsaltedSecret,
} from "../../src/auth/cleartext-password.ts";
import { PENCIL_MD5_VERIFIER } from "./postgresql-verifiers.ts";

const PLAINTEXT: UnsaltedSecret = { kind: "plaintext", password: "pencil" };
const MD5: UnsaltedSecret = { kind: "md5", verifier: PENCIL_MD5_VERIFIER };

describe("matchesCleartextPassword", () => {
  test("accepts the password", () => {
    expect(matchesCleartextPassword(PLAINTEXT, "t", "pencil")).toBeTrue();
    expect(matchesCleartextPassword(MD5, "t", "pencil")).toBeTrue();
  });

  test.each(["", "penci", "pencil ", "PENCIL", "pencil\0", PENCIL_MD5_VERIFIER])(
    "refuses %j",
    (password) => {
      expect(matchesCleartextPassword(PLAINTEXT, "t", password)).toBeFalse();
      expect(matchesCleartextPassword(MD5, "t", password)).toBeFalse();
    },
  );

  test("refuses another user's password against an MD5 verifier", () => {
    expect(matchesCleartextPassword(MD5, "u", "pencil")).toBeFalse();
  });
});
