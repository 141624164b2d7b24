import { describe, expect, test } from "bun:test";
import { LruMap } from "../../src/base/lru-map.ts";

describe("LruMap", () => {
  test("drops what was unused for longest at its limit", () => {
    const map = new LruMap<string, number>(2);
    map.set("a", 1);
    map.set("b", 2);
    map.get("a");
    map.set("c", 3);
    expect([map.get("a"), map.get("b"), map.get("c")]).toEqual([1, undefined, 3]);
    expect(map.size).toBe(2);
  });

  test("drops nothing when a key is set again", () => {
    const map = new LruMap<string, number>(2);
    map.set("a", 1);
    map.set("b", 2);
    map.set("a", 3);
    map.set("a", 4);
    expect([map.get("a"), map.get("b")]).toEqual([4, 2]);
  });

  test("counts setting as use", () => {
    const map = new LruMap<string, number>(2);
    map.set("a", 1);
    map.set("b", 2);
    map.set("a", 3);
    map.set("c", 4);
    expect(map.get("b")).toBeUndefined();
  });

  test("looks and renews without counting it as use", () => {
    const map = new LruMap<string, number>(2);
    map.set("a", 1);
    map.set("b", 2);
    map.renew("a", 3);
    map.renew("none", 4);
    expect([map.peek("a"), map.peek("none"), ...map.keys()]).toEqual([3, undefined, "a", "b"]);
    map.set("c", 5);
    expect([...map.keys()]).toEqual(["b", "c"]);
  });

  test("forgets one, and all", () => {
    const map = new LruMap<string, number>(3);
    map.set("a", 1);
    map.set("b", 2);
    expect([map.delete("a"), map.delete("a")]).toEqual([true, false]);
    map.clear();
    expect([map.size, map.get("b")]).toEqual([0, undefined]);
  });

  test("refuses to hold nothing", () => {
    expect(() => new LruMap(0)).toThrow("at least one");
  });
});
