import { describe, expect, test } from "bun:test";
import { scramKeysFromSaltedPassword } from "../../../src/auth/scram-keys.ts";
import type { Secret } from "../../../src/auth/secret.ts";
import { ServerSecrets } from "../../../src/proxy/server/server-secrets.ts";
import { verifierOf } from "../../auth/login.ts";
import { saltPassword } from "../../auth/salted-password.ts";

const NOW = "2026-01-01T00:00:00.000Z";
const SOON = "2026-01-01T00:05:00.000Z";
const SALT = new Uint8Array(16).fill(3);

function plain(password: string): Secret {
  return { kind: "plaintext", password };
}

function scram(password: string): Secret {
  return { kind: "scram", verifier: verifierOf(password) };
}

/** Keys that a client with this password proves. */
function keysOf(password: string) {
  const { salt, iterations } = verifierOf(password);
  return scramKeysFromSaltedPassword(saltPassword(password, salt, iterations));
}

function rotating(present: Secret = plain("new"), before: Secret = plain("old")): ServerSecrets {
  return new ServerSecrets({ secret: present, previous: { secret: before, validUntil: SOON } });
}

function order(secrets: ServerSecrets, now = NOW): (Secret | null)[] {
  return secrets.inOrder(now).map(({ secret }) => secret);
}

describe("ServerSecrets", () => {
  test("try the present one first, and the one before while it holds", () => {
    const secrets = rotating();
    expect(order(secrets)).toEqual([plain("new"), plain("old")]);
    expect(order(secrets, SOON)).toEqual([plain("new")]);
  });

  test("try first what worked last", () => {
    const secrets = rotating();
    const [, old] = secrets.inOrder(NOW);
    if (old !== undefined) secrets.worked(old);
    expect(order(secrets)).toEqual([plain("old"), plain("new")]);
    const [, present] = secrets.inOrder(NOW);
    if (present !== undefined) secrets.worked(present);
    expect(order(secrets)).toEqual([plain("new"), plain("old")]);
  });

  test("try no password whose time is over, though it worked last", () => {
    const secrets = rotating();
    const [, old] = secrets.inOrder(NOW);
    if (old !== undefined) secrets.worked(old);
    expect(order(secrets, SOON)).toEqual([plain("new")]);
  });

  test("know that the one before a rotation has worked", () => {
    const secrets = new ServerSecrets({ secret: plain("old"), previous: null });
    secrets.worked(secrets.inOrder(NOW)[0]);
    secrets.replace({ secret: plain("new"), previous: { secret: plain("old"), validUntil: SOON } });
    expect(order(secrets)).toEqual([plain("old"), plain("new")]);
  });

  test("forget the one before when the store does", () => {
    const secrets = rotating();
    secrets.replace({ secret: plain("new"), previous: null });
    expect(order(secrets)).toEqual([plain("new")]);
  });

  test("have one, null, where there is none", () => {
    expect(order(new ServerSecrets({ secret: null, previous: null }))).toEqual([null]);
  });

  test("derive the keys of both once, also across a rotation", async () => {
    const secrets = new ServerSecrets({ secret: plain("old"), previous: null });
    const before = secrets.keysFor("old", SALT, 2);
    secrets.replace({ secret: plain("new"), previous: { secret: plain("old"), validUntil: SOON } });
    expect(secrets.keysFor("old", SALT, 2)).toBe(before);
    const after = secrets.keysFor("new", SALT, 2);
    expect(secrets.keysFor("new", SALT, 2)).toBe(after);
    expect((await after).clientKey).not.toEqual((await before).clientKey);
  });

  test("derive the keys of a password that has gone meanwhile: its login is under way", async () => {
    const secrets = new ServerSecrets({ secret: plain("new"), previous: null });
    const expected = scramKeysFromSaltedPassword(saltPassword("gone", SALT, 2));
    expect((await secrets.keysFor("gone", SALT, 2)).clientKey).toEqual(expected.clientKey);
  });

  test("pass a client's keys through for the verifier that they belong to only", () => {
    const secrets = rotating(scram("new"), scram("old"));
    secrets.passThrough(keysOf("old"));
    const [present, before] = secrets.inOrder(NOW);
    expect(present.passedThroughKeys).toBeNull();
    expect(before?.passedThroughKeys).toEqual(keysOf("old"));
  });

  test("take no keys that belong to none of them, and none for a password", () => {
    const secrets = rotating(scram("new"), plain("old"));
    secrets.passThrough(keysOf("third"));
    secrets.passThrough(keysOf("old"));
    expect(secrets.inOrder(NOW).map((each) => each.passedThroughKeys)).toEqual([null, null]);
  });

  test("keep the keys of a verifier that stays", () => {
    const secrets = new ServerSecrets({ secret: scram("old"), previous: null });
    secrets.passThrough(keysOf("old"));
    secrets.replace({ secret: plain("new"), previous: { secret: scram("old"), validUntil: SOON } });
    expect(secrets.inOrder(NOW)[1]?.passedThroughKeys).toEqual(keysOf("old"));
  });

  test("are thought to be changed for ten seconds after the first refusal of what worked", () => {
    const secrets = new ServerSecrets({ secret: plain("old"), previous: null });
    const tried = secrets.inOrder(NOW);
    expect(secrets.areBeingChanged(tried, 1000)).toBeFalse();
    secrets.worked(tried[0]);
    const at = [60_000, 65_000, 69_999, 70_000, 90_000];
    const answers = at.map((nowMs) => secrets.areBeingChanged(tried, nowMs));
    expect(answers).toEqual([true, true, true, false, false]);
    secrets.worked(tried[0]);
    expect(secrets.areBeingChanged(tried, 100_000)).toBeTrue();
  });

  test("that never worked are wrong at once, also beside one that did and is tried no more", () => {
    const secrets = rotating();
    const [present, old] = secrets.inOrder(NOW);
    if (old !== undefined) secrets.worked(old);
    expect(secrets.areBeingChanged([present], 1000)).toBeFalse();
    expect(secrets.areBeingChanged(secrets.inOrder(SOON), 1000)).toBeFalse();
    expect(secrets.areBeingChanged(secrets.inOrder(NOW), 1000)).toBeTrue();
  });
});
