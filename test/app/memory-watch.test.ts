import { describe, expect, test } from "bun:test";
import { MemoryWatch } from "../../src/app/memory-watch.ts";
import { FakeClock } from "../support/fake-clock.ts";

const LIMIT = 1000 * 1_048_576;
/** The clock's second between two looks. */
const LOOK_MS = 1000;

/** A process whose memory a test decides; as shares of the limit. */
class Watched implements Disposable {
  readonly clock = new FakeClock();
  readonly lines: string[] = [];
  used = 0.5;
  garbage = 0;
  collections = 0;
  limit = LIMIT;
  readonly watch: MemoryWatch;

  constructor() {
    const log = (_fields: object, line: string): void => {
      this.lines.push(line);
    };
    this.watch = new MemoryWatch({
      clock: this.clock,
      logger: { debug: log, info: log, warn: log, error: log },
      limitBytes: () => this.limit,
      residentBytes: () => Math.round((this.used + this.garbage) * LIMIT),
      collectGarbage: () => {
        this.collections += 1;
        this.garbage = 0;
      },
    });
  }

  /** Looks, at once or a second later. */
  shortAt(used: number): boolean {
    this.used = used;
    if (this.clock.pending === 0) this.watch.start();
    else this.clock.advance(LOOK_MS);
    return this.watch.shortage !== null;
  }

  [Symbol.dispose](): void {
    this.watch.stop();
  }
}

describe("a process", () => {
  test.each([
    [0.5, false],
    [0.9, false],
    [0.901, true],
    [1.5, true],
  ])("that uses %p of its limit is short of memory: %p", (used, short) => {
    using watched = new Watched();
    expect(watched.shortAt(used)).toBe(short);
  });

  test("tells what it uses, what it may, and what to do", () => {
    using watched = new Watched();
    watched.shortAt(0.95);
    expect(watched.watch.shortage).toMatchObject({
      severity: "FATAL",
      sqlstate: "53300",
      detail: "It uses 950 MB; the limit is 1000 MB.",
      hint: expect.stringContaining("MEMORY_LIMIT"),
    });
  });

  test("that was short stays so until it uses clearly less, and says each once", () => {
    using watched = new Watched();
    const uses = [0.89, 0.91, 0.89, 0.86, 0.91, 0.849, 0.86, 0.9];
    expect(uses.map((used) => watched.shortAt(used))).toEqual([
      false,
      true,
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(watched.lines).toEqual([
      "short of memory: new clients are refused",
      "no longer short of memory: new clients are taken",
    ]);
  });

  test("is not short where it is garbage that fills the memory", () => {
    using watched = new Watched();
    watched.garbage = 0.5;
    expect(watched.shortAt(0.6)).toBe(false);
    expect(watched.collections).toBe(1);
  });

  test("collects garbage now and then while it is short, and not at every look", () => {
    using watched = new Watched();
    for (let look = 0; look < 6; look += 1) watched.shortAt(0.95);
    expect(watched.collections).toBe(2);
    watched.garbage = 0.5;
    expect(watched.shortAt(0.5)).toBe(false);
    expect(watched.collections).toBe(3);
  });

  test("collects nothing while there is memory", () => {
    using watched = new Watched();
    for (let look = 0; look < 10; look += 1) watched.shortAt(0.9);
    expect(watched.collections).toBe(0);
  });

  test("goes by a limit that was changed meanwhile", () => {
    using watched = new Watched();
    expect(watched.shortAt(0.95)).toBe(true);
    watched.limit = 2 * LIMIT;
    expect(watched.shortAt(0.95)).toBe(false);
  });

  test("is looked at no more, and holds no timer, once it is told so", () => {
    using watched = new Watched();
    watched.shortAt(0.5);
    expect(watched.clock.pending).toBe(1);
    watched.watch.stop();
    expect(watched.clock.pending).toBe(0);
  });
});
