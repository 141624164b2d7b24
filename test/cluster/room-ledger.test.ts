/**
 * A node's clients, shared out among its workers.
 */

import { describe, expect, test } from "bun:test";
import { RoomLedger } from "../../src/cluster/room-ledger.ts";

function ledgerOf(workers: number, max: number): RoomLedger {
  const ledger = new RoomLedger(workers, max);
  for (let worker = 0; worker < workers; worker += 1) ledger.admit(worker);
  return ledger;
}

const sharesOf = (ledger: RoomLedger) => [0, 1, 2].map((worker) => ledger.shareOf(worker));

describe("workers that come", () => {
  test.each([
    [9, [3, 3, 3]],
    [10, [4, 3, 3]],
    [11, [4, 4, 3]],
    [2, [1, 1, 0]],
    [0, [0, 0, 0]],
  ])("share %d clients out as %p", (max, shares) => {
    const ledger = ledgerOf(3, max);
    expect(sharesOf(ledger)).toEqual(shares);
    expect(ledger.free).toBe(0);
  });

  test("get no more than the others have left of it", () => {
    const ledger = ledgerOf(3, 9);
    ledger.forget(2);
    ledger.grant(0);
    expect(ledger.admit(2)).toBe(0);
    expect(sharesOf(ledger)).toEqual([6, 3, 0]);
  });

  test("again, without having been missed, don't get another share", () => {
    const ledger = ledgerOf(3, 9);
    ledger.admit(1);
    expect(sharesOf(ledger)).toEqual([3, 3, 3]);
  });
});

describe("a worker in need", () => {
  test("gets what others have given back, and no more", () => {
    const ledger = ledgerOf(3, 9);
    expect(ledger.grant(0)).toBe(0);
    ledger.takeBack(1, 2);
    ledger.takeBack(2, 1);
    expect(ledger.grant(0)).toBe(3);
    expect(sharesOf(ledger)).toEqual([6, 1, 2]);
  });

  test("gets nothing while it is not there", () => {
    const ledger = ledgerOf(3, 9);
    ledger.forget(0);
    expect([ledger.grant(0), ledger.free]).toEqual([0, 3]);
  });
});

describe("a worker that gives back", () => {
  test("can't give more than it has", () => {
    const ledger = ledgerOf(3, 9);
    ledger.takeBack(1, 100);
    ledger.forget(2);
    ledger.takeBack(2, 3);
    expect([sharesOf(ledger), ledger.free]).toEqual([[3, 0, 0], 6]);
  });
});

describe("another limit", () => {
  test("leaves nobody a share of the old one", () => {
    const ledger = ledgerOf(3, 9);
    ledger.change(30);
    expect([sharesOf(ledger), ledger.free]).toEqual([[0, 0, 0], 30]);
    expect([ledger.grant(0), ledger.admit(0)]).toEqual([0, 10]);
  });
});
