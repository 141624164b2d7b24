/**
 * One exchange that more than one password may pass: while a password is being changed.
 */

import { describe, expect, test } from "bun:test";
import { InvalidPasswordError } from "../../src/auth/invalid-password-error.ts";
import { ScramClient } from "../../src/auth/scram-client.ts";
import { scramKeysFromSaltedPassword } from "../../src/auth/scram-keys.ts";
import { ScramServer } from "../../src/auth/scram-server.ts";
import type { ScramVerifier } from "../../src/auth/scram-verifier.ts";
import { AssertionError } from "../../src/base/assert.ts";
import { CLIENT_NONCE, SERVER_NONCE, verifierOf } from "./login.ts";
import { saltPassword } from "./salted-password.ts";

const NEW = verifierOf("new");
const OLD = verifierOf("old");
const OTHER_SALT = new Uint8Array(16).fill(2);

function serverFor(verifier: ScramVerifier, alternatives: readonly ScramVerifier[]): ScramServer {
  return new ScramServer({
    verifier,
    alternatives,
    serverNonce: SERVER_NONCE,
    channelBinding: null,
  });
}

/** Runs one login. Returns what the server found, once the client has checked its signature. */
function logIn(server: ScramServer, password: string) {
  const client = new ScramClient({
    mechanisms: server.mechanisms(),
    clientNonce: CLIENT_NONCE,
    channelBinding: null,
    iterationsMax: 100,
  });
  const serverFirst = server.start(client.mechanism, client.clientFirst());
  const { salt, iterations } = client.onServerFirst(serverFirst);
  const keys = scramKeysFromSaltedPassword(saltPassword(password, salt, iterations));
  const result = server.finish(client.clientFinal(keys));
  client.onServerFinal(result.serverFinal);
  expect(client.verified).toBeTrue();
  return { ...result, keys };
}

describe("ScramServer with alternatives", () => {
  test.each([
    ["new", NEW],
    ["old", OLD],
  ])(
    "lets in who knows the %s password, and signs with the key of that one",
    (password, verifier) => {
      const result = logIn(serverFor(NEW, [OLD]), password);
      expect(result.verifier).toBe(verifier);
      expect(result.clientKey).toEqual(result.keys.clientKey);
    },
  );

  test("finds the right one among several", () => {
    const alternatives = [OLD, verifierOf("older"), verifierOf("oldest")];
    expect(logIn(serverFor(NEW, alternatives), "oldest").verifier).toBe(alternatives.at(-1) ?? NEW);
  });

  test("takes the first where two passwords are one", () => {
    expect(logIn(serverFor(NEW, [verifierOf("new")]), "new").verifier).toBe(NEW);
  });

  test("refuses a password that is none of them", () => {
    expect(() => logIn(serverFor(NEW, [OLD]), "third")).toThrow(InvalidPasswordError);
  });

  test("refuses the old password where there is no alternative", () => {
    expect(() => logIn(serverFor(NEW, []), "old")).toThrow(InvalidPasswordError);
  });

  test("refuses a proof that mixes the keys of both", () => {
    const server = serverFor(NEW, [OLD]);
    const client = new ScramClient({
      mechanisms: server.mechanisms(),
      clientNonce: CLIENT_NONCE,
      channelBinding: null,
      iterationsMax: 100,
    });
    client.onServerFirst(server.start(client.mechanism, client.clientFirst()));
    const mixed = { clientKey: OLD.storedKey, serverKey: NEW.serverKey };
    expect(() => server.finish(client.clientFinal(mixed))).toThrow(InvalidPasswordError);
  });

  test.each([
    ["salt", verifierOf("old", OTHER_SALT)],
    ["iteration count", verifierOf("old", NEW.salt, 3)],
  ])("does not take an alternative of another %s", (_what, alternative) => {
    expect(() => serverFor(NEW, [alternative])).toThrow(AssertionError);
  });
});
