import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Ownership } from "../../src/cluster/ownership.ts";
import type { WorkerPeers } from "../../src/cluster/worker-peers.ts";
import { CANCEL_VERB, decodeCancel } from "../../src/edge/cancel-notice.ts";
import { type LocalOwner, OwnerRouter } from "../../src/edge/owner-router.ts";
import type { LinkPort } from "../../src/link/link-port.ts";
import type { Channel } from "../../src/net/channel.ts";
import type { ChannelOpening } from "../../src/net/channel-opening.ts";
import { TenantDirectory } from "../../src/tenants/tenant-directory.ts";
import type { TenantStore } from "../../src/tenants/tenant-store.ts";
import { Bytes, Linked } from "../link/support/linked.ts";
import { MemoryStream } from "../link/support/memory-stream.ts";
import { MemoryLogger } from "../net/support/net-fixture.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { present } from "../support/present.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { openStore } from "../tenants/store-fixtures.ts";
import { OPENING } from "./support/far-scene.ts";

const SELF = 0;
const OTHER = 1;
const NOBODY = 63;

const ownership = new Ownership(2);

/** Remembers what it was given. */
class Local implements LocalOwner {
  readonly opened: ChannelOpening[] = [];
  readonly reopened: string[] = [];
  readonly cancelled: number[] = [];

  open(_channel: Channel, opening: ChannelOpening): void {
    this.opened.push(opening);
  }

  cancel(processId: number): void {
    this.cancelled.push(processId);
  }

  reopen(_channel: Channel, ticket: string): void {
    this.reopened.push(ticket);
  }

  clientsOf(): number {
    return this.opened.length;
  }
}

let folder: TemporaryFolder;
let store: TenantStore;
let linked: Linked;
let link: LinkPort | null;
let local: Local;
let router: OwnerRouter;

beforeAll(async () => {
  folder = await makeTemporaryFolder();
  store = await openStore(join(folder.path, "tenants.sqlite"));
});
afterAll(async () => {
  await store.close();
  await folder[Symbol.asyncDispose]();
});
beforeEach(async () => {
  linked = await Linked.start();
  link = linked.edge;
  local = new Local();
  const clock = new FakeClock();
  const logger = new MemoryLogger();
  const peers: WorkerPeers = {
    self: SELF,
    workers: 2,
    linkTo: (worker) => (worker === OTHER ? link : null),
    awaitLink: () => new Promise(() => undefined), // it does not come back
  };
  router = new OwnerRouter({
    local,
    ownership,
    peers,
    directory: new TenantDirectory({ store, clock, logger, tenantsMax: 10, onChanged: () => {} }),
    clock,
    onFault: (fault) => expect(fault).toBeNull(),
    loginTimeoutMs: () => 60_000,
    workerOfKey: (processId) => (processId === NOBODY ? null : processId),
  });
});

/** A tenant whose first owner the worker is. */
function tenantOf(worker: number): string {
  const names = Array.from({ length: 100 }, (_, at) => `tenant${at}`);
  return present(names.find((name) => ownership.ranking(name)[0] === worker));
}

function open(tenant: string | null): MemoryStream {
  const stream = new MemoryStream();
  router.open(stream.one, { ...OPENING, tenant });
  linked.settle();
  return stream;
}

describe("a router to the owners", () => {
  test("keeps clients of its own worker's tenants, and those who name no tenant there is", () => {
    open(tenantOf(SELF));
    open(null);
    expect(local.opened.map(({ tenant }) => tenant)).toEqual([tenantOf(SELF), null]);
    expect(linked.atOwner.channels).toHaveLength(0);
    expect(router.farClients).toBe(0);
  });

  test("leads the others over the link, and counts them until they leave", () => {
    const streams = [open(tenantOf(OTHER)), open(tenantOf(OTHER))];
    expect(local.opened).toEqual([]);
    expect(linked.atOwner.channels).toHaveLength(2);
    expect(router.farClients).toBe(2);
    for (const { one } of streams) one.destroy();
    linked.settle();
    expect(router.farClients).toBe(0);
  });

  test("keeps as many waiting as it may while a worker is away, and sends the next one away", () => {
    link = null;
    for (let client = 0; client < 10_000; client += 1) open(tenantOf(OTHER));
    expect(router.farClients).toBe(10_000);
    const { one, other } = open(tenantOf(OTHER));
    expect(router.farClients).toBe(10_000);
    expect(one.closed).toBeTrue();
    const told = new Bytes();
    other.handler = told;
    one.move(1000);
    expect(told.text).toContain("57P03");
  });

  test("takes a cancel to the worker that its key names, and looks here for all of them", () => {
    const secretKey = Uint8Array.of(1, 2, 3, 4);
    router.cancel(SELF, secretKey);
    router.cancel(OTHER, secretKey);
    router.cancel(NOBODY, secretKey);
    linked.settle();
    expect(local.cancelled).toEqual([SELF, OTHER, NOBODY]);
    const [{ verb, body } = { verb: "", body: null }, ...more] = linked.atOwner.notices;
    expect(verb).toBe(CANCEL_VERB);
    expect(decodeCancel(body)).toEqual({ processId: OTHER, secretKey });
    expect(more).toEqual([]);
  });

  test("takes clients that another process has let in to their owners, by their tickets", () => {
    router.reopen(new MemoryStream().one, tenantOf(SELF), "of one here");
    expect(local.reopened).toEqual(["of one here"]);
    const stream = new MemoryStream();
    router.reopen(stream.one, tenantOf(OTHER), "of one there");
    linked.settle();
    expect(local.reopened).toHaveLength(1);
    expect(linked.atOwner.channels).toMatchObject([{ opening: { ticket: "of one there" } }]);
    expect(router.farClients).toBe(1);
    stream.one.destroy();
    linked.settle();
    expect(router.farClients).toBe(0);
  });

  test("passes no client on whose connection is none of this process", () => {
    open(tenantOf(OTHER));
    expect(router.farClients).toBe(1);
    expect(router.movableClients()).toEqual([]);
  });

  test("drops a cancel for a worker that is away, but for those here that have moved from there", () => {
    link = null;
    router.cancel(OTHER, Uint8Array.of(1, 2, 3, 4));
    linked.settle();
    expect(linked.atOwner.notices).toEqual([]);
    expect(local.cancelled).toEqual([OTHER]);
  });
});
