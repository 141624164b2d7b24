import { describe, expect, test } from "bun:test";
import type { Random } from "../../../src/base/random.ts";
import { CancelRegistry } from "../../../src/proxy/cancel/cancel-registry.ts";
import { CLIENTS_MAX, cancelAddressOf, processIdOf } from "../../../src/session/cancel-key.ts";

/** Bytes that differ from call to call. */
class CountingRandom implements Random {
  #count = 0;

  bytes(count: number): Uint8Array<ArrayBuffer> {
    this.#count += 1;
    return new Uint8Array(count).fill(this.#count);
  }
}

class Target {
  cancels = 0;

  cancel(): void {
    this.cancels += 1;
  }
}

function setUp() {
  const registry = new CancelRegistry(3, 5, new CountingRandom());
  const [one, other] = [new Target(), new Target()];
  return { registry, one, other, key: registry.issue(one, 32), otherKey: registry.issue(other, 4) };
}

describe("CancelRegistry", () => {
  test("gives each client a key of its own, with the address and length that were asked for", () => {
    const { key, otherKey } = setUp();
    expect(cancelAddressOf(key.processId)).toMatchObject({ node: 3, worker: 5 });
    expect(key.processId).not.toBe(otherKey.processId);
    expect(key.secretKey).toHaveLength(32);
    expect(otherKey.secretKey).toHaveLength(4);
  });

  test("cancels the client whose key it is, and no other", () => {
    const { registry, one, other, key } = setUp();
    registry.cancel(key.processId, key.secretKey);
    expect([one.cancels, other.cancels]).toEqual([1, 0]);
  });

  test("does nothing for a key that is not exactly right", () => {
    const { registry, one, other, key, otherKey } = setUp();
    const changed = Uint8Array.from(key.secretKey);
    changed[31] = 0xff;
    registry.cancel(key.processId, changed);
    registry.cancel(key.processId, otherKey.secretKey);
    registry.cancel(key.processId, key.secretKey.slice(0, 31));
    registry.cancel(key.processId, Uint8Array.of(...key.secretKey, 1));
    registry.cancel(key.processId, new Uint8Array(0));
    registry.cancel(0, key.secretKey);
    expect([one.cancels, other.cancels]).toEqual([0, 0]);
  });

  test("does nothing for a key of another worker or node, though client and secret are right", () => {
    const { registry, one, key } = setUp();
    for (const bit of [18, 23, 24, 30]) registry.cancel(key.processId ^ (1 << bit), key.secretKey);
    registry.cancel(key.processId | (1 << 31), key.secretKey);
    expect(one.cancels).toBe(0);
  });

  test("does nothing for a client that is gone, nor for who has its number next", () => {
    const { registry, one, key } = setUp();
    registry.revoke(one, key.processId);
    expect(registry.size).toBe(1);
    registry.cancel(key.processId, key.secretKey);
    expect(one.cancels).toBe(0);
  });

  test("gives numbers again only after all others, and refuses when none is free", () => {
    const registry = new CancelRegistry(0, 0, new CountingRandom());
    const target = new Target();
    const first = registry.issue(target, 4);
    const second = registry.issue(target, 4);
    registry.revoke(target, first.processId);
    expect(registry.issue(target, 4).processId).toBe(second.processId + 1);
    while (registry.size < CLIENTS_MAX - 1) registry.issue(target, 4);
    expect(() => registry.issue(target, 4)).toThrow("there is a free number for the client");
    registry.revoke(target, second.processId);
    expect(registry.issue(target, 4).processId).toBe(second.processId);
  });

  test("begins where the one before it, with the same address, did not", () => {
    const random = new CountingRandom();
    const before = new CancelRegistry(3, 5, random).issue(new Target(), 4);
    const after = new CancelRegistry(3, 5, random).issue(new Target(), 4);
    expect(after.processId).not.toBe(before.processId);
  });

  test("takes over the key of a client of the one before it", () => {
    const { key } = setUp();
    const [registry, target] = [new CancelRegistry(3, 5, new CountingRandom()), new Target()];
    expect(registry.adopt(target, key)).toBeTrue();
    registry.cancel(key.processId, key.secretKey);
    expect(target.cancels).toBe(1);
    registry.revoke(target, key.processId);
    registry.cancel(key.processId, key.secretKey);
    expect(target.cancels).toBe(1);
  });

  test("takes over a key whose number somebody else has got: their secrets tell them apart", () => {
    const { registry, one, key } = setUp();
    const guest = new Target();
    const same = { ...key, secretKey: new Uint8Array(4).fill(9) };
    expect(registry.adopt(guest, same)).toBeTrue();
    expect(registry.size).toBe(3);
    registry.cancel(key.processId, key.secretKey);
    expect([one.cancels, guest.cancels]).toEqual([1, 0]);
    registry.cancel(key.processId, same.secretKey);
    expect([one.cancels, guest.cancels]).toEqual([1, 1]);
    registry.revoke(one, key.processId);
    registry.cancel(key.processId, key.secretKey);
    registry.cancel(key.processId, same.secretKey);
    expect([one.cancels, guest.cancels]).toEqual([1, 2]);
    registry.revoke(guest, key.processId);
    expect(registry.size).toBe(1);
  });

  test("takes over the keys of other workers and nodes", () => {
    const { key } = setUp();
    for (const bit of [18, 23, 24, 30]) {
      const registry = new CancelRegistry(3, 5, new CountingRandom());
      const target = new Target();
      const processId = key.processId ^ (1 << bit);
      expect(registry.adopt(target, { ...key, processId })).toBeTrue();
      registry.cancel(key.processId, key.secretKey);
      expect(target.cancels).toBe(0);
      registry.cancel(processId, key.secretKey);
      expect(target.cancels).toBe(1);
      registry.revoke(target, processId);
      expect(registry.size).toBe(0);
    }
  });

  test("takes over no second client that comes with the same process id", () => {
    const { registry, key } = setUp();
    const guest = { ...key, secretKey: new Uint8Array(4).fill(9) };
    expect(registry.adopt(new Target(), guest)).toBeTrue();
    expect(registry.adopt(new Target(), { ...guest, secretKey: new Uint8Array(4) })).toBeFalse();
    expect(registry.size).toBe(3);
  });

  test("takes over no key that names no client", () => {
    const noClient = processIdOf({ node: 3, worker: 5, client: 0 });
    const registry = new CancelRegistry(3, 5, new CountingRandom());
    for (const processId of [0, noClient, -1, noClient | (1 << 31) | 7])
      expect(registry.adopt(new Target(), { processId, secretKey: new Uint8Array(4) })).toBeFalse();
    expect(registry.size).toBe(0);
  });

  test("revokes nobody else's key", () => {
    const { registry, one, other, key } = setUp();
    registry.revoke(other, key.processId);
    registry.cancel(key.processId, key.secretKey);
    expect(one.cancels).toBe(1);
  });

  test.each([4, 32])("tells the key of %p bytes that a client has, and nobody else's", (bytes) => {
    const registry = new CancelRegistry(0, 2, new CountingRandom());
    const target = new Target();
    const key = registry.issue(target, bytes);
    expect(registry.keyOf(target, key.processId)).toEqual(key);
    expect(registry.keyOf(new Target(), key.processId)).toBeNull();
    expect(registry.keyOf(target, key.processId + 1)).toBeNull();
  });

  test("never gives process id 0, which means no key at all", () => {
    const registry = new CancelRegistry(0, 0, new CountingRandom());
    expect(registry.issue(new Target(), 4).processId).toBeGreaterThan(0);
  });
});
