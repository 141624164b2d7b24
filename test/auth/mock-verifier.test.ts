import { describe, expect, test } from "bun:test";
import { InvalidPasswordError } from "../../src/auth/invalid-password-error.ts";
import { mockVerifier } from "../../src/auth/mock-verifier.ts";
import { ScramClient } from "../../src/auth/scram-client.ts";
import { scramKeysFromSaltedPassword } from "../../src/auth/scram-keys.ts";
import { ScramServer } from "../../src/auth/scram-server.ts";
import { formatScramVerifier, parseScramVerifier } from "../../src/auth/scram-verifier.ts";
import { CLIENT_NONCE, SERVER_NONCE } from "./login.ts";
import { saltPassword } from "./salted-password.ts";

const SECRET = new Uint8Array(32).fill(9);
const MOCK = mockVerifier(SECRET, "nobody.tenant");

describe("mockVerifier", () => {
  test("is the same for the same name", () => {
    expect(mockVerifier(SECRET, "nobody.tenant")).toEqual(MOCK);
  });

  test("is another for another name", () => {
    expect(mockVerifier(SECRET, "nobody.other").salt).not.toEqual(MOCK.salt);
  });

  test("is another under another secret", () => {
    expect(mockVerifier(new Uint8Array(32), "nobody.tenant").salt).not.toEqual(MOCK.salt);
  });

  test("looks like one that PostgreSQL makes", () => {
    expect(MOCK.salt.byteLength).toBe(16);
    expect(MOCK.iterations).toBe(4096);
    expect(mockVerifier(SECRET, "nobody.tenant", 10_000).iterations).toBe(10_000);
    expect(parseScramVerifier(formatScramVerifier(MOCK))).toEqual(MOCK);
  });

  test("does not show its keys in its salt", () => {
    const shown = MOCK.salt.toString();
    expect(MOCK.storedKey.subarray(0, 16).toString()).not.toBe(shown);
    expect(MOCK.serverKey.subarray(0, 16).toString()).not.toBe(shown);
    expect(MOCK.storedKey).not.toEqual(MOCK.serverKey);
  });

  test.each(["", "pencil", "nobody"])("refuses the password %j as a wrong one", (password) => {
    const server = new ScramServer({
      verifier: MOCK,
      serverNonce: SERVER_NONCE,
      channelBinding: null,
    });
    const client = new ScramClient({
      mechanisms: server.mechanisms(),
      clientNonce: CLIENT_NONCE,
      channelBinding: null,
    });
    const serverFirst = server.start(client.mechanism, client.clientFirst());
    const { salt, iterations } = client.onServerFirst(serverFirst);
    const keys = scramKeysFromSaltedPassword(saltPassword(password, salt, iterations));
    expect(() => server.finish(client.clientFinal(keys))).toThrow(InvalidPasswordError);
  });
});
