import { beforeEach, describe, expect, test } from "bun:test";
import { Settling, type Unsettled } from "../../src/pool/settling.ts";
import { Ticker } from "../../src/pool/ticker.ts";
import { FakeClock } from "../support/fake-clock.ts";

/** Rings up to so much late. */
const RESOLUTION_MS = 100;

/** Things to do, done in their order; each may add others, or settle by itself. */
class Chores implements Unsettled {
  readonly done: string[] = [];
  readonly waiting: { readonly name: string; readonly run?: () => void }[] = [];
  dueMs: number | null = Number.POSITIVE_INFINITY;

  settleOne(): boolean {
    const chore = this.waiting.shift();
    if (chore === undefined) return false;
    this.done.push(chore.name);
    chore.run?.();
    return true;
  }

  nextDueMs(): number | null {
    return this.dueMs;
  }
}

const BROKEN = new Error("broken");

function breakDown(): never {
  throw BROKEN;
}

let clock: FakeClock;
let ticker: Ticker;
let faults: unknown[];
let chores: Chores;
let settling: Settling;

beforeEach(() => {
  clock = new FakeClock();
  faults = [];
  ticker = new Ticker({ clock, onFault: (error) => faults.push(error) });
  chores = new Chores();
  settling = new Settling(ticker, chores);
});

describe("Settling", () => {
  test("does all there is, and what comes of that, before it returns", () => {
    chores.waiting.push({ name: "a", run: () => chores.waiting.push({ name: "c" }) });
    chores.waiting.push({ name: "b" });
    settling.run(0);
    expect(chores.done).toEqual(["a", "b", "c"]);
  });

  test("does not begin the next thing inside of one", () => {
    const seen: string[][] = [];
    const run = (): void => {
      settling.run(0);
      seen.push([...chores.done]);
    };
    chores.waiting.push({ name: "a", run }, { name: "b" });
    settling.run(0);
    expect(seen).toEqual([["a"]]);
    expect(chores.done).toEqual(["a", "b"]);
  });

  test("settles again when that is due, and not before", () => {
    chores.dueMs = 1000;
    settling.run(0);
    chores.dueMs = null;
    chores.waiting.push({ name: "late" });
    clock.advance(999);
    expect(chores.done).toEqual([]);
    clock.advance(RESOLUTION_MS);
    expect(chores.done).toEqual(["late"]);
  });

  test("keeps an earlier time where nothing new is due, and drops it where nothing is at all", () => {
    chores.dueMs = 1000;
    settling.run(0);
    chores.dueMs = Number.POSITIVE_INFINITY;
    settling.run(0);
    expect(ticker.alarmsSet).toBe(1);
    chores.dueMs = null;
    settling.run(0);
    expect(ticker.alarmsSet).toBe(0);
  });

  test("throws what a callback throws, and does the rest at the next tick", () => {
    chores.waiting.push({ name: "a", run: breakDown }, { name: "b" });
    expect(() => settling.run(0)).toThrow(BROKEN);
    expect(chores.done).toEqual(["a"]);
    clock.advance(RESOLUTION_MS);
    expect(chores.done).toEqual(["a", "b"]);
    expect(faults).toEqual([]);
  });

  test("tells the ticker of a callback that breaks when it rings, and rings again", () => {
    chores.dueMs = 0;
    settling.run(0);
    chores.dueMs = null;
    chores.waiting.push({ name: "a", run: breakDown }, { name: "b" });
    clock.advance(RESOLUTION_MS);
    clock.advance(RESOLUTION_MS);
    expect(faults).toEqual([BROKEN]);
    expect(chores.done).toEqual(["a", "b"]);
  });
});
