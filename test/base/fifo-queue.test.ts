import { describe, expect, test } from "bun:test";
import { type FifoLinks, FifoQueue } from "../../src/base/fifo-queue.ts";

class Item implements FifoLinks<Item> {
  queue: object | null = null;
  previous: Item | null = null;
  next: Item | null = null;

  readonly label: string;

  constructor(label: string) {
    this.label = label;
  }
}

describe("FifoQueue", () => {
  test("returns items in the order they came", () => {
    const queue = new FifoQueue<Item>();
    for (const label of ["a", "b", "c"]) queue.push(new Item(label));
    expect([queue.shift()?.label, queue.shift()?.label, queue.shift()?.label]).toEqual([
      "a",
      "b",
      "c",
    ]);
    expect(queue.shift()).toBeNull();
    expect(queue.size).toBe(0);
  });

  test("takes an item out of the middle, the front and the back", () => {
    const queue = new FifoQueue<Item>();
    const [a, b, c] = [new Item("a"), new Item("b"), new Item("c")];
    for (const item of [a, b, c]) queue.push(item);
    queue.remove(b);
    queue.remove(a);
    expect(queue.first).toBe(c);
    queue.remove(c);
    expect(queue.first).toBeNull();
    expect(queue.size).toBe(0);
  });

  test("shows both ends without taking them", () => {
    const queue = new FifoQueue<Item>();
    const [a, b] = [new Item("a"), new Item("b")];
    expect(queue.last).toBeNull();
    queue.push(a);
    queue.push(b);
    expect([queue.first, queue.last]).toEqual([a, b]);
    queue.remove(b);
    expect([queue.first, queue.last, queue.size]).toEqual([a, a, 1]);
  });

  test("refuses an item that stands in a queue already", () => {
    const item = new Item("a");
    new FifoQueue<Item>().push(item);
    expect(() => new FifoQueue<Item>().push(item)).toThrow("one queue at a time");
  });

  test("refuses to remove an item that stands elsewhere", () => {
    expect(() => new FifoQueue<Item>().remove(new Item("a"))).toThrow("stands in this queue");
  });
});
