import { beforeEach, describe, expect, test } from "bun:test";
import { LOOK_INTERVAL_MS, StoreWatch } from "../../src/tenants/store-watch.ts";
import { FakeClock } from "../support/fake-clock.ts";

describe("StoreWatch", () => {
  let clock: FakeClock;
  let token: string | null;
  let asked: number;
  let told: number;
  /** Holds up who is told. */
  let gate: Promise<void>;
  let watch: StoreWatch;

  beforeEach(() => {
    clock = new FakeClock();
    token = "1";
    asked = 0;
    told = 0;
    gate = Promise.resolve();
    watch = new StoreWatch({
      store: {
        changeToken: async () => {
          asked += 1;
          if (token === null) throw new Error("disk on fire");
          return token;
        },
      },
      clock,
      onChanged: () => {
        told += 1;
        return gate;
      },
    });
    watch.start();
  });

  async function look(): Promise<void> {
    clock.advance(LOOK_INTERVAL_MS);
    await Bun.sleep(0);
  }

  test("tells of the first answer, since something may have changed before, and then of changes alone", async () => {
    await look();
    expect({ asked, told }).toEqual({ asked: 1, told: 1 });
    await look();
    await look();
    expect({ asked, told }).toEqual({ asked: 3, told: 1 });
    token = "2";
    await look();
    expect({ asked, told }).toEqual({ asked: 4, told: 2 });
  });

  test("an older copy of the store is a change, too", async () => {
    token = "7";
    await look();
    token = "3";
    await look();
    expect(told).toBe(2);
  });

  test("goes on asking a store that is away, and tells what it has missed", async () => {
    await look();
    token = null;
    await look();
    await look();
    expect({ asked, told }).toEqual({ asked: 3, told: 1 });
    token = "1";
    await look();
    expect(told).toBe(1);
    token = null;
    await look();
    token = "2";
    await look();
    expect(told).toBe(2);
  });

  test("does not ask again before all have been told", async () => {
    const slow = Promise.withResolvers<void>();
    gate = slow.promise;
    await look();
    await look();
    expect(asked).toBe(1);
    slow.resolve();
    await Bun.sleep(0);
    await look();
    expect(asked).toBe(2);
  });

  test("asks no more once it is stopped, also where it was being answered", async () => {
    clock.advance(LOOK_INTERVAL_MS);
    watch.stop();
    await Bun.sleep(0);
    await look();
    expect({ asked, told }).toEqual({ asked: 1, told: 0 });
  });
});
