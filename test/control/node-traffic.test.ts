/**
 * An operator's verbs over several workers, whose traffic is a note of what they were told.
 */

import { beforeEach, describe, expect, test } from "bun:test";
import { TenantNotFoundError, WorkerSilentError } from "../../src/control/control-errors.ts";
import { NodeTraffic } from "../../src/control/node-traffic.ts";
import type { TenantState, Traffic } from "../../src/control/traffic.ts";
import { TrafficHandler } from "../../src/control/traffic-handler.ts";
import { NodePorts } from "../support/node-ports.ts";
import { rejectionOf } from "../support/rejection.ts";

const WORKERS = 3;
const BAN = { address: "192.0.2.1", bannedUntilMs: 2000 };

/** The traffic of one worker: has one client and one server of every tenant but `gone`. */
class WorkerTraffic implements Traffic {
  readonly told: string[] = [];
  readonly paused = new Set<string>();
  bans = [BAN];
  /** Servers that do not come back. */
  stuck = 0;
  fault: Error | null = null;

  async state(externalId: string): Promise<TenantState> {
    if (this.fault !== null) throw this.fault;
    return {
      externalId,
      paused: this.paused.has(externalId),
      clients: 1,
      clientsWaiting: 0,
      servers: 1,
      serversIdle: 1,
      serversActive: 0,
      pins: 0,
      pools: [],
      lastErrors: [],
    };
  }

  async terminate(externalId: string) {
    this.told.push(`terminate ${externalId}`);
    return { clients: 1, servers: 1 };
  }

  async pause(externalId: string, timeoutMs: number) {
    if (externalId === "gone") throw new TenantNotFoundError(externalId);
    this.told.push(`pause ${externalId} ${timeoutMs}`);
    if (this.stuck === 0) this.paused.add(externalId);
    return { paused: this.stuck === 0, servers: this.stuck };
  }

  async resume(externalId: string) {
    this.told.push(`resume ${externalId}`);
    this.paused.delete(externalId);
  }

  async drain(externalId: string, timeoutMs: number) {
    this.told.push(`drain ${externalId} ${timeoutMs}`);
    return { clients: 1, servers: 1 };
  }

  async addressBans() {
    return this.bans;
  }

  async liftAddressBans(_externalId: string, addresses: readonly string[]) {
    this.bans = this.bans.filter(({ address }) => !addresses.includes(address));
    return this.bans;
  }

  async refresh() {
    this.told.push("refresh");
  }
}

let ports: NodePorts;
let traffic: NodeTraffic;
let workers: WorkerTraffic[];
let lifted: string[];

async function start(worker: number): Promise<WorkerTraffic> {
  const started = new WorkerTraffic();
  workers[worker] = started;
  await new TrafficHandler(started, ports.join(worker)).catchUp();
  ports.ready(worker);
  return started;
}

beforeEach(async () => {
  ports = new NodePorts(WORKERS);
  lifted = [];
  traffic = new NodeTraffic(ports.workers, {
    lift: (externalId, addresses) => lifted.push(externalId, ...addresses),
  });
  workers = [];
  await Promise.all(Array.from({ length: WORKERS }, (_, worker) => start(worker)));
});

describe("NodeTraffic", () => {
  test("sums what runs in all workers", async () => {
    const state = await traffic.state("dev");
    expect([state.clients, state.servers, state.serversIdle]).toEqual([3, 3, 3]);
  });

  test("ends and drains in all workers, and says how many that were", async () => {
    expect(await traffic.terminate("dev")).toEqual({ clients: 3, servers: 3 });
    expect(await traffic.drain("dev", 70)).toEqual({ clients: 3, servers: 3 });
    for (const { told } of workers) expect(told).toEqual(["terminate dev", "drain dev 70"]);
  });

  test("counts a worker that is being started again for nothing", async () => {
    ports.lose(1);
    expect(await traffic.terminate("dev")).toEqual({ clients: 2, servers: 2 });
    expect((await traffic.state("dev")).clients).toBe(2);
  });

  test("does not wait for a worker that dies while it is asked", async () => {
    const asked = traffic.state("dev");
    ports.lose(2);
    expect((await asked).clients).toBe(2);
  });

  test("refuses where a worker is there and can't answer", async () => {
    const [first] = workers;
    if (first !== undefined) first.fault = new Error("disk on fire");
    const error = await rejectionOf(traffic.state("dev"));
    expect(error).toBeInstanceOf(WorkerSilentError);
    expect(String(error)).toContain("worker 0 does not answer: disk on fire");
  });

  test("is paused when all workers are", async () => {
    expect(await traffic.pause("dev", 50)).toEqual({ paused: true, servers: 0 });
    expect((await traffic.state("dev")).paused).toBe(true);
    for (const { told } of workers) expect(told).toEqual(["pause dev 50"]);
  });

  test("resumes all workers where one of them can't be paused in time", async () => {
    const [, second] = workers;
    if (second !== undefined) second.stuck = 4;
    expect(await traffic.pause("dev", 50)).toEqual({ paused: false, servers: 4 });
    for (const { told, paused } of workers) {
      expect(told).toEqual(["pause dev 50", "resume dev"]);
      expect(paused.size).toBe(0);
    }
  });

  test("resumes all workers where one of them fails", async () => {
    const [, , third] = workers;
    if (third !== undefined)
      third.pause = async () => {
        throw new Error("out of order");
      };
    expect(await rejectionOf(traffic.pause("dev", 50))).toBeInstanceOf(WorkerSilentError);
    for (const { paused } of workers) expect(paused.size).toBe(0);
  });

  test("does not pause a tenant that does not exist, and remembers nothing of it", async () => {
    expect(await rejectionOf(traffic.pause("gone", 50))).toBeInstanceOf(TenantNotFoundError);
    ports.lose(0);
    expect((await start(0)).told).toEqual([]);
  });

  test("has a worker that is started again know who is paused, before it takes a client", async () => {
    await traffic.pause("dev", 50);
    await traffic.pause("other", 50);
    ports.lose(1);
    const again = await start(1);
    expect([...again.paused].toSorted()).toEqual(["dev", "other"]);
    await traffic.resume("dev");
    expect([...again.paused]).toEqual(["other"]);
  });

  test("does not pause a worker for a tenant that the others lend to again", async () => {
    await traffic.pause("dev", 50);
    for (const { paused } of workers) paused.clear(); // the tenant was deleted, and made again
    ports.lose(1);
    expect((await start(1)).paused.size).toBe(0);
  });

  test("keeps a pause where all workers have died", async () => {
    await traffic.pause("dev", 50);
    for (const worker of [0, 1, 2]) ports.lose(worker);
    // oxlint-disable-next-line no-await-in-loop -- one after the other, as they come
    for (const worker of [0, 1, 2]) expect([...(await start(worker)).paused]).toEqual(["dev"]);
  });

  test("shows each banned address once, with the latest end", async () => {
    const [first] = workers;
    if (first !== undefined)
      first.bans = [
        { ...BAN, bannedUntilMs: 9000 },
        { ...BAN, address: "192.0.2.2" },
      ];
    expect(await traffic.addressBans("dev")).toEqual([
      { ...BAN, bannedUntilMs: 9000 },
      { ...BAN, address: "192.0.2.2" },
    ]);
  });

  test("lifts a ban in all workers, and in the memory for those to come", async () => {
    expect(await traffic.liftAddressBans("dev", [BAN.address])).toEqual([]);
    for (const { bans } of workers) expect(bans).toEqual([]);
    expect(lifted).toEqual(["dev", BAN.address]);
  });

  test("has all workers take over what was written, and does not mind one that can't", async () => {
    const [first] = workers;
    if (first !== undefined)
      first.refresh = async () => {
        throw new Error("the store is away");
      };
    ports.lose(2);
    await traffic.refresh();
    expect(workers[1]?.told).toEqual(["refresh"]);
  });

  test("refuses a worker that asks for what nobody knows", async () => {
    const error = await rejectionOf(ports.join(0).request("traffic.dance", null, 1000));
    expect(String(error)).toContain("unknown verb traffic.dance");
  });
});

describe("TrafficHandler", () => {
  test("refuses a body that another version may have sent", async () => {
    const bodies = [null, "dev", {}, { externalId: 7 }, { externalId: "dev", timeoutMs: "soon" }];
    for (const body of bodies) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const error = await rejectionOf(ports.workers.request(0, "traffic.pause", body, 1000));
      expect(error).toBeInstanceOf(Error);
    }
    expect(workers[0]?.told).toEqual([]);
  });

  test("refuses a verb that it does not know", async () => {
    const error = await rejectionOf(ports.workers.request(0, "traffic.dance", null, 1000));
    expect(String(error)).toContain("unknown verb traffic.dance");
  });
});
