/**
 * Failed logins over several workers: what each of them counts, together.
 */

import { beforeEach, describe, expect, test } from "bun:test";
import { NodeBans } from "../../src/control/node-bans.ts";
import { SharedBans } from "../../src/control/shared-bans.ts";
import { AddressBannedError, AddressBans } from "../../src/proxy/login/address-bans.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { NodePorts } from "../support/node-ports.ts";
import { rejectionOf } from "../support/rejection.ts";

const ADDRESS = "192.0.2.7";
const BAN_MS = 120_000;
const LIMITS = { authFailureLimit: 10, authFailureWindowMs: 150_000, authFailureBanMs: BAN_MS };

interface Worker {
  /** Each process has a clock that began when it likes. */
  readonly clock: FakeClock;
  readonly bans: AddressBans;
  readonly shared: SharedBans;
}

let ports: NodePorts;
let clocks: FakeClock[];
let above: NodeBans;
let workers: Worker[];

function newBans(startMs: number): { clock: FakeClock; bans: AddressBans } {
  const clock = new FakeClock();
  clock.advance(startMs);
  clocks.push(clock);
  return { clock, bans: new AddressBans(LIMITS, clock, { iso: () => "2026-08-01T12:00:00.000Z" }) };
}

async function start(worker: number): Promise<Worker> {
  const { clock, bans } = newBans(1_000_000 * (worker + 1));
  const shared = new SharedBans(bans, ports.join(worker));
  const started = { clock, bans, shared };
  workers[worker] = started;
  await shared.catchUp();
  ports.ready(worker);
  return started;
}

function at(worker: number): Worker {
  const found = workers[worker];
  if (found === undefined) throw new Error(`no worker ${worker}`);
  return found;
}

function isBanned({ bans }: Worker, address = ADDRESS): boolean {
  try {
    bans.check("acme", { remoteAddress: address });
    return false;
  } catch (error) {
    expect(error).toBeInstanceOf(AddressBannedError);
    return true;
  }
}

/** Until what was told so far has been heard by all. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1)
    // oxlint-disable-next-line no-await-in-loop -- turns of the event loop
    await new Promise((resolve) => setImmediate(resolve));
}

function advance(ms: number): void {
  for (const clock of clocks) clock.advance(ms);
}

beforeEach(async () => {
  ports = new NodePorts(3);
  clocks = [];
  workers = [];
  above = new NodeBans(newBans(77).bans, ports.workers);
  await Promise.all([0, 1, 2].map(start));
});

describe("an address that tries its passwords at several workers", () => {
  test("has no more tries than at one, and is then kept out by all", async () => {
    for (let failure = 0; failure < 9; failure += 1) {
      at(failure % 3).shared.failed("acme", ADDRESS);
      // oxlint-disable-next-line no-await-in-loop -- one login after the other
      await settle();
    }
    expect(workers.map((worker) => isBanned(worker))).toEqual([false, false, false]);
    expect(at(0).shared.failed("acme", ADDRESS)).toBe(true);
    await eventually(() => expect(workers.map((it) => isBanned(it))).toEqual([true, true, true]));
  });

  test("is not banned for what it failed long ago, elsewhere", async () => {
    for (let failure = 0; failure < 9; failure += 1) at(1).shared.failed("acme", ADDRESS);
    await settle();
    advance(LIMITS.authFailureWindowMs);
    expect(at(0).shared.failed("acme", ADDRESS)).toBe(false);
    await settle();
    expect(workers.map((worker) => isBanned(worker))).toEqual([false, false, false]);
  });

  test("is let in by all once its ban is lifted by all", async () => {
    for (let failure = 0; failure < 10; failure += 1) at(2).shared.failed("acme", ADDRESS);
    await settle();
    above.lift("acme", [ADDRESS]);
    for (const { bans } of workers) bans.lift("acme", [ADDRESS]);
    expect(workers.map((worker) => isBanned(worker))).toEqual([false, false, false]);
    ports.lose(1);
    expect(isBanned(await start(1))).toBe(false);
  });
});

describe("a worker that is started again", () => {
  test("knows who is banned, and until when", async () => {
    for (let failure = 0; failure < 10; failure += 1) at(0).shared.failed("acme", ADDRESS);
    await settle();
    ports.lose(1);
    advance(BAN_MS - 1000);
    const again = await start(1);
    expect(isBanned(again)).toBe(true);
    advance(999);
    expect(isBanned(again)).toBe(true);
    advance(1);
    expect(isBanned(again)).toBe(false);
  });

  test("knows of failures that have not led to a ban", async () => {
    for (let failure = 0; failure < 9; failure += 1) at(0).shared.failed("acme", ADDRESS);
    await settle();
    ports.lose(1);
    expect((await start(1)).shared.failed("acme", ADDRESS)).toBe(true);
  });

  test("knows nothing of what does not count any more", async () => {
    for (let failure = 0; failure < 9; failure += 1) at(0).shared.failed("acme", ADDRESS);
    await settle();
    advance(LIMITS.authFailureWindowMs);
    ports.lose(1);
    expect((await start(1)).bans.size).toBe(0);
  });

  test("learns of thousands of addresses before it takes a client", async () => {
    for (let third = 0; third < 12; third += 1)
      for (let fourth = 0; fourth < 250; fourth += 1)
        at(0).shared.failed("acme", `198.51.${third}.${fourth}`);
    await eventually(() => expect(at(2).bans.size).toBe(3000));
    ports.lose(1);
    expect((await start(1)).bans.size).toBe(3000);
  });
});

describe("what crosses", () => {
  test("is not counted where it is no failed login", async () => {
    for (const body of [null, {}, { tenant: "acme" }, { tenant: "acme", address: 7 }, []]) {
      ports.workers.notify(0, "bans.failed", body);
      ports.workers.notify(0, "bans.remembered", [body]);
    }
    ports.workers.notify(0, "bans.dance", { tenant: "acme", address: ADDRESS });
    await settle();
    expect(at(0).bans.size).toBe(0);
  });

  test("is refused where it asks for what nobody knows", async () => {
    const asked = ports.join(1).request("bans.dance", null, 1000);
    expect(String(await rejectionOf(asked))).toContain("unknown verb bans.dance");
    const told = ports.workers.request(0, "bans.dance", null, 1000);
    expect(String(await rejectionOf(told))).toContain("unknown verb bans.dance");
  });
});
