/**
 * Limits of clients over several workers.
 */

import { beforeEach, describe, expect, test } from "bun:test";
import { PoolerError } from "../../src/base/pooler-error.ts";
import { ClientLedger } from "../../src/cluster/client-ledger.ts";
import type { WorkersHandler } from "../../src/cluster/control-port.ts";
import { NodeClients } from "../../src/control/node-clients.ts";
import { SharedClients } from "../../src/control/shared-clients.ts";
import { SupervisorSilentError } from "../../src/control/supervisor-silent-error.ts";
import type { ClientPlace } from "../../src/proxy/client/client-census.ts";
import { ConnectionRateError, ConnectionRates } from "../../src/proxy/login/connection-rates.ts";
import {
  TooManyClientsError,
  TooManyPoolsError,
  TooManyTenantClientsError,
} from "../../src/proxy/proxy-errors.ts";
import type { StoredTenant } from "../../src/tenants/tenant.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { NodePorts } from "../support/node-ports.ts";
import { rejectionOf } from "../support/rejection.ts";
import { tenant } from "../tenants/fixtures.ts";

const WORKERS = 3;
const APP: ClientPlace = { tenant: "acme", alias: "app", pool: "app pool" };
const LIMITS = { tenantMax: 50, userMax: 1000, poolsMax: 10 };

let ports: NodePorts;
let clock: FakeClock;
let ledger: ClientLedger;
let above: NodeClients;
let workers: SharedClients[];
/** Whether a tenant has several owners is asked of its record. */
const shares = ({ owners }: StoredTenant): boolean => owners !== 1;

const SHARED = stored("acme", { owners: 3 });
const ALONE = stored("acme", { owners: 1 });

function stored(externalId: string, fields: object): StoredTenant {
  const writtenAt = "2026-08-01T12:00:00.000Z";
  return { ...tenant(externalId, fields), id: "1", inserted_at: writtenAt, updated_at: writtenAt };
}

function start(worker: number): SharedClients {
  const shared = new SharedClients(ports.join(worker), clock, shares);
  workers[worker] = shared;
  ports.ready(worker);
  return shared;
}

function at(worker: number): SharedClients {
  const found = workers[worker];
  if (found === undefined) throw new Error(`no worker ${worker}`);
  return found;
}

async function told(clients: number): Promise<void> {
  await eventually(() => expect(ledger.clientsOf("acme")).toBe(clients));
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1)
    // oxlint-disable-next-line no-await-in-loop -- turns of the event loop
    await new Promise((resolve) => setImmediate(resolve));
}

beforeEach(() => {
  ports = new NodePorts(WORKERS);
  clock = new FakeClock();
  ledger = new ClientLedger();
  above = new NodeClients(ledger, new ConnectionRates(clock), ports.workers);
  workers = [];
  for (let worker = 0; worker < WORKERS; worker += 1) start(worker);
});

describe("clients of a tenant with several owners", () => {
  test("get exactly as many places as there are, when 200 race for 50 over three workers", async () => {
    const entering = Array.from({ length: 200 }, (_, n) => at(n % 3).enter(APP, LIMITS));
    const outcomes = await Promise.allSettled(entering);
    const refused = outcomes.flatMap((it) => (it.status === "rejected" ? [it.reason] : []));
    expect(refused.length).toBe(150);
    for (const reason of refused) expect(reason).toBeInstanceOf(TooManyTenantClientsError);
    expect(ledger.clientsOf("acme")).toBe(50);
  });

  test("are told the same as with one worker: which limit, how many, what to do", async () => {
    const errorOf = async (limits: Partial<typeof LIMITS>): Promise<PoolerError> => {
      const error = await rejectionOf(at(1).enter(APP, { ...LIMITS, ...limits }));
      if (error instanceof PoolerError) return error;
      throw new Error("no error of ours", { cause: error });
    };
    await at(0).enter({ ...APP, pool: "other" }, LIMITS);
    const ofTenant = await errorOf({ tenantMax: 1 });
    expect(ofTenant).toEqual(new TooManyTenantClientsError(1, 1));
    expect(await errorOf({ userMax: 1 })).toEqual(new TooManyClientsError(1, 1));
    expect(await errorOf({ poolsMax: 1 })).toEqual(new TooManyPoolsError(1, 1));
    expect(ofTenant.detail).toBe("This tenant has 1 clients; the limit is 1.");
  });

  test("make room for the next one when they leave, in the same turn already", async () => {
    const one = { ...LIMITS, tenantMax: 1 };
    const place = await at(0).enter(APP, one);
    expect(await rejectionOf(at(1).enter(APP, one))).toBeInstanceOf(TooManyTenantClientsError);
    at(0).leave(place);
    const next = await at(0).enter(APP, one);
    at(0).leave(next);
    await told(0);
    await at(1).enter(APP, one);
  });

  test("leave no place behind when their worker dies", async () => {
    await Promise.all(Array.from({ length: 30 }, (_, n) => at(n % 3).enter(APP, LIMITS)));
    ports.lose(1);
    expect(ledger.clientsOf("acme")).toBe(20);
    const again = start(1);
    await Promise.all(Array.from({ length: 30 }, () => again.enter(APP, LIMITS)));
    expect(await rejectionOf(again.enter(APP, LIMITS))).toBeInstanceOf(TooManyTenantClientsError);
  });

  test("that go on at a worker's next incarnation keep their places, even beyond the limit", async () => {
    const one = { ...LIMITS, tenantMax: 1 };
    await at(0).enter(APP, one);
    ports.lose(0);
    await at(1).enter(APP, one);
    const again = start(0);
    await rejectionOf(again.enter(APP, one));
    const place = again.join(APP, SHARED);
    await told(2);
    again.leave(place);
    await told(1);
  });

  test("may log in as fast as at one worker, and no faster", async () => {
    const logins = Array.from({ length: 30 }, (_, n) => at(n % 3).begin("acme", 10));
    const outcomes = await Promise.allSettled(logins);
    const refused = outcomes.flatMap((it) => (it.status === "rejected" ? [it.reason] : []));
    expect(refused.length).toBe(20);
    for (const reason of refused) expect(reason).toEqual(new ConnectionRateError(10, 100));
    clock.advance(100);
    await at(2).begin("acme", 10);
    expect(await rejectionOf(at(0).begin("acme", 10))).toBeInstanceOf(ConnectionRateError);
    await at(0).begin("other", 10);
  });
});

describe("a tenant whose record changes", () => {
  test("to several owners brings the clients that it has", async () => {
    const before = [0, 1, 1].map((worker) => ({ worker, place: at(worker).join(APP, ALONE) }));
    await settle();
    expect(ledger.clientsOf("acme")).toBe(0);
    for (const worker of workers) worker.follow("acme", SHARED);
    await told(3);
    for (const { worker, place } of before) at(worker).leave(place);
    await told(0);
  });

  test("to one owner is counted by that one, and no more by all", async () => {
    const place = await at(0).enter(APP, LIMITS);
    await at(1).enter(APP, LIMITS);
    for (const worker of workers) worker.follow("acme", ALONE);
    await told(0);
    at(0).leave(place);
    at(0).join(APP, ALONE);
    await settle();
    expect(ledger.clientsOf("acme")).toBe(0);
  });

  test("to one owner and back while a client is being let in counts that client once", async () => {
    const entering = at(0).enter(APP, LIMITS);
    at(0).follow("acme", ALONE);
    at(0).follow("acme", SHARED);
    const place = await entering;
    await told(1);
    at(0).leave(place);
    await told(0);
  });

  test("by being deleted is forgotten", async () => {
    await at(0).enter(APP, LIMITS);
    for (const worker of workers) worker.follow("acme", null);
    await told(0);
    expect(ledger.tenants).toBe(0);
  });
});

describe("a supervisor", () => {
  /** One that answers only when it is told to. */
  class Slow implements WorkersHandler {
    readonly #answers: NodeClients;
    readonly awake = Promise.withResolvers<void>();

    constructor(answers: NodeClients) {
      this.#answers = answers;
      ports.workers.register("clients", this);
    }

    async onRequest(worker: number, verb: string, body: unknown): Promise<unknown> {
      await this.awake.promise;
      return this.#answers.onRequest(worker, verb, body);
    }

    onNotice(worker: number, verb: string, body: unknown): void {
      this.#answers.onNotice(worker, verb, body);
    }

    onWorkerReady(): void {
      // All are there.
    }

    onWorkerGone(worker: number): void {
      this.#answers.onWorkerGone(worker);
    }
  }

  test("that is too slow lets nobody in, and a place that it grants later is given back", async () => {
    const slow = new Slow(above);
    const entering = rejectionOf(at(0).enter(APP, LIMITS));
    await settle();
    clock.advance(5000);
    const error = await entering;
    expect(error).toBeInstanceOf(SupervisorSilentError);
    expect(error).toMatchObject({ sqlstate: "57P03" });
    slow.awake.resolve();
    await at(1).enter(APP, LIMITS);
    await told(1);
  });

  test("that is gone lets nobody in", async () => {
    ports.lose(2);
    const error = await rejectionOf(at(2).enter(APP, LIMITS));
    expect(error).toBeInstanceOf(SupervisorSilentError);
    expect(await rejectionOf(at(2).begin("acme", 10))).toBeInstanceOf(SupervisorSilentError);
    expect(clock.pending).toBe(0);
  });

  test("counts nothing of what it does not understand", async () => {
    const port = ports.join(0);
    for (const body of [null, 7, [{}], [{ ...APP, clients: -1 }], { tenant: "acme" }])
      for (const verb of ["joined", "left", "census"]) port.notify(`clients.${verb}`, body);
    const stray = [{ ...APP, tenant: "other", clients: 1 }];
    port.notify("clients.census", { tenant: "acme", counts: stray });
    await settle();
    expect(ledger.tenants).toBe(0);
    const refused = [
      port.request("clients.enter", { place: APP }, 1000),
      port.request("clients.begin", { tenant: "acme", rate: 0 }, 1000),
      port.request("clients.dance", null, 1000),
    ].map(rejectionOf);
    for (const error of await Promise.all(refused)) expect(error).toBeInstanceOf(Error);
  });
});
