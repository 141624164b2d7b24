import { describe, expect, test } from "bun:test";
import { isMd5Response, isMd5Verifier, md5Response, md5Verifier } from "../../src/auth/md5.ts";
import { AssertionError } from "../../src/base/assert.ts";
import { PENCIL_MD5_VERIFIER } from "./postgresql-verifiers.ts";

const SALT = Uint8Array.of(0, 255, 13, 10);
const RESPONSE = md5Response(PENCIL_MD5_VERIFIER, SALT);

describe("MD5 authentication", () => {
  test("makes the verifier that PostgreSQL makes", () => {
    expect(md5Verifier("t", "pencil")).toBe(PENCIL_MD5_VERIFIER);
  });

  test("makes another verifier for another user or another cut between user and password", () => {
    expect(md5Verifier("u", "pencil")).not.toBe(PENCIL_MD5_VERIFIER);
    expect(md5Verifier("T", "pencil")).not.toBe(PENCIL_MD5_VERIFIER);
  });

  test("hashes names and passwords as UTF-8", () => {
    expect(md5Verifier("é", "ß")).toBe(
      `md5${new Bun.CryptoHasher("md5").update(Uint8Array.of(0xc3, 0x9f, 0xc3, 0xa9)).digest("hex")}`,
    );
  });

  test("answers the salt as the protocol documents it", () => {
    const inner = new Bun.CryptoHasher("md5").update("pencil").update("t").digest("hex");
    const outer = new Bun.CryptoHasher("md5").update(inner).update(SALT).digest("hex");
    expect(RESPONSE).toBe(`md5${outer}`);
    expect(isMd5Response(PENCIL_MD5_VERIFIER, SALT, RESPONSE)).toBeTrue();
  });

  test.each([
    "",
    "md5",
    PENCIL_MD5_VERIFIER,
    RESPONSE.toUpperCase(),
    RESPONSE.slice(0, -1),
    `${RESPONSE}\0`,
    RESPONSE.slice(3),
    `é${RESPONSE.slice(2)}`,
  ])("refuses the response %j", (response) => {
    expect(isMd5Response(PENCIL_MD5_VERIFIER, SALT, response)).toBeFalse();
  });

  test("refuses a response to another salt", () => {
    expect(isMd5Response(PENCIL_MD5_VERIFIER, Uint8Array.of(0, 255, 13, 11), RESPONSE)).toBeFalse();
  });

  test("refuses to work with a salt that is not of four bytes", () => {
    expect(() => md5Response(PENCIL_MD5_VERIFIER, new Uint8Array(5))).toThrow(AssertionError);
  });

  test("refuses to work with what is no verifier", () => {
    expect(isMd5Verifier("pencil")).toBeFalse();
    expect(() => md5Response("pencil", SALT)).toThrow(AssertionError);
  });
});
