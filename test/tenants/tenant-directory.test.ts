import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { LogFields, Logger } from "../../src/base/logger.ts";
import type { StoredTenant } from "../../src/tenants/tenant.ts";
import { TenantDirectory } from "../../src/tenants/tenant-directory.ts";
import { TenantLookupFailedError } from "../../src/tenants/tenant-lookup-failed-error.ts";
import type { TenantStore } from "../../src/tenants/tenant-store.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { rejectionOf } from "../support/rejection.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { tenant } from "./fixtures.ts";
import { delegate, openStore } from "./store-fixtures.ts";

const POLL_MS = 250;
/** As the directory has it. */
const MISSING_MAX = 10_000;

/** A real store whose reads are counted, can be held up, and can fail as if it were away. */
class WatchedStore {
  readonly store: TenantStore;
  reads = 0;
  away = false;
  gate: Promise<void> = Promise.resolve();

  constructor(real: TenantStore) {
    this.store = {
      ...delegate(real),
      get: (externalId) => this.#read(() => real.get(externalId)),
      findBySni: (hostname) => this.#read(() => real.findBySni(hostname)),
      changeToken: () => this.#answer(() => real.changeToken()),
    };
  }

  async #read(read: () => Promise<StoredTenant | null>): Promise<StoredTenant | null> {
    this.reads += 1;
    const found = await this.#answer(read);
    await this.gate;
    return found;
  }

  async #answer<T>(ask: () => Promise<T>): Promise<T> {
    if (this.away) throw new Error("disk on fire");
    return ask();
  }
}

/** Lines of a log, and a promise for the next. */
class WaitedForLog implements Logger {
  readonly lines: string[] = [];
  #next = Promise.withResolvers<string>();

  next(): Promise<string> {
    return this.#next.promise;
  }

  debug(_fields: LogFields, message: string): void {
    this.#add(message);
  }

  info(_fields: LogFields, message: string): void {
    this.#add(message);
  }

  warn(_fields: LogFields, message: string): void {
    this.#add(message);
  }

  error(_fields: LogFields, message: string): void {
    this.#add(message);
  }

  #add(message: string): void {
    this.lines.push(message);
    this.#next.resolve(message);
    this.#next = Promise.withResolvers<string>();
  }
}

describe("TenantDirectory", () => {
  let folder: TemporaryFolder;
  let real: TenantStore;
  let elsewhere: TenantStore;
  let watched: WatchedStore;
  let clock: FakeClock;
  let log: WaitedForLog;
  let directory: TenantDirectory;
  let changed: ReturnType<typeof Promise.withResolvers<readonly string[] | "all">>;

  function createDirectory(tenantsMax: number): TenantDirectory {
    return new TenantDirectory({
      store: watched.store,
      clock,
      logger: log,
      tenantsMax,
      onChanged: (externalIds) => changed.resolve(externalIds),
    });
  }

  /** What another process does, until this one has heard of it. */
  async function changeElsewhere(
    ...changes: Parameters<TenantStore["write"]>[0]
  ): Promise<readonly string[] | "all"> {
    await elsewhere.write(changes);
    changed = Promise.withResolvers();
    clock.advance(POLL_MS);
    return changed.promise;
  }

  beforeEach(async () => {
    folder = await makeTemporaryFolder();
    real = await openStore(join(folder.path, "tenants.sqlite"));
    elsewhere = await openStore(join(folder.path, "tenants.sqlite"));
    await real.write([
      { kind: "put", tenant: tenant("acme", { sni_hostname: "db.acme.com" }) },
      { kind: "put", tenant: tenant("beta") },
    ]);
    watched = new WatchedStore(real);
    clock = new FakeClock();
    log = new WaitedForLog();
    changed = Promise.withResolvers();
    directory = createDirectory(100);
    await directory.start();
  });

  afterEach(async () => {
    directory.stop();
    await real.close();
    await elsewhere.close();
    await folder.remove();
  });

  test("reads a tenant once, and knows it from then on", async () => {
    expect(directory.peek("acme")).toBeUndefined();
    expect((await directory.lookup("acme"))?.users[0]?.db_password).toBe("hunter2");
    expect(directory.peek("acme")?.external_id).toBe("acme");
    await directory.lookup("acme");
    expect(watched.reads).toBe(1);
  });

  test("knows by its host name whom it has read by its name, and the other way round", async () => {
    await directory.lookup("acme");
    expect(directory.peekSni("db.acme.com")?.external_id).toBe("acme");
    directory.stop();
    directory = createDirectory(100);
    await directory.start();
    expect(directory.peekSni("db.acme.com")).toBeUndefined();
    await directory.lookupSni("db.acme.com");
    expect(directory.peek("acme")?.external_id).toBe("acme");
  });

  test("asks seldom by itself where it is told, and hears of a change when it is", async () => {
    directory.stop();
    const told = new TenantDirectory({
      store: watched.store,
      clock,
      logger: log,
      tenantsMax: 10,
      told: true,
      onChanged: (externalIds) => changed.resolve(externalIds),
    });
    await told.start();
    await told.lookup("acme");
    await elsewhere.write([{ kind: "delete", externalId: "acme" }]);
    clock.advance(4999);
    await Bun.sleep(0);
    expect(told.peek("acme")).not.toBeUndefined();
    await told.refresh();
    expect(await changed.promise).toEqual(["acme"]);
    await elsewhere.write([{ kind: "delete", externalId: "beta" }]);
    changed = Promise.withResolvers();
    clock.advance(1);
    expect(await changed.promise).toEqual(["beta"]);
    told.stop();
  });

  test("shares one read among all who ask at once", async () => {
    const found = await Promise.all(Array.from({ length: 50 }, () => directory.lookup("acme")));
    expect(new Set(found).size).toBe(1);
    expect(watched.reads).toBe(1);
  });

  test("remembers for a while who does not exist", async () => {
    expect(await directory.lookup("nobody")).toBeNull();
    expect(await directory.lookupSni("no.example.com")).toBeNull();
    expect([directory.peek("nobody"), directory.peekSni("no.example.com")]).toEqual([null, null]);
    expect(watched.reads).toBe(2);
    clock.advance(5000);
    expect(directory.peek("nobody")).toBeUndefined();
  });

  test("does not take a host name for a tenant's name, or a name for a host name", async () => {
    expect(await directory.lookup("db.acme.com")).toBeNull();
    expect(directory.peekSni("db.acme.com")).toBeUndefined();
    expect(await directory.lookupSni("acme")).toBeNull();
    expect(directory.peek("acme")).toBeUndefined();
  });

  test("keeps no more tenants than it may, and forgets the longest unused first", async () => {
    directory.stop();
    directory = createDirectory(1);
    await directory.start();
    await directory.lookup("acme");
    await directory.lookup("beta");
    expect(directory.peek("acme")).toBeUndefined();
    expect(directory.peek("beta")?.external_id).toBe("beta");
  });

  test("keeps no more names of tenants that do not exist than it may", async () => {
    const names = Array.from({ length: MISSING_MAX + 1 }, (_, index) => `stranger${index}`);
    const found = await Promise.all(names.map((name) => directory.lookup(name)));
    expect(new Set(found)).toEqual(new Set([null]));
    expect(directory.peek("stranger0")).toBeUndefined();
    expect(directory.peek("stranger1")).toBeNull();
    expect(directory.peek(`stranger${MISSING_MAX}`)).toBeNull();
  });

  test("knows a thousand others after a change of one", async () => {
    const names = Array.from({ length: 1000 }, (_, index) => `t${index}`);
    await real.write(names.map((name) => ({ kind: "put", tenant: tenant(name) })));
    directory.stop();
    directory = createDirectory(1000);
    await directory.start();
    await Promise.all(names.map((name) => directory.lookup(name)));
    await changeElsewhere({ kind: "put", tenant: tenant("t500", { db_port: 6000 }) });
    const forgotten = names.filter((name) => directory.peek(name) === undefined);
    expect(forgotten).toEqual(["t500"]);
  });

  test("hears what another process changed, and forgets that only", async () => {
    await directory.lookup("acme");
    await directory.lookup("beta");
    const heard = await changeElsewhere({ kind: "put", tenant: tenant("beta", { db_port: 6000 }) });
    expect(heard).toEqual(["beta"]);
    expect(directory.peek("acme")?.external_id).toBe("acme");
    expect((await directory.lookup("beta"))?.db_port).toBe(6000);
  });

  test("hears at once of what was written before, when it is asked to", async () => {
    await directory.lookup("acme");
    await elsewhere.write([{ kind: "put", tenant: tenant("acme", { db_port: 7000 }) }]);
    await directory.refresh();
    expect(directory.peek("acme")).toBeUndefined();
    expect((await directory.lookup("acme"))?.db_port).toBe(7000);
  });

  test("looks once more for who asks while it looks: the first look may have come too early", async () => {
    await directory.lookup("acme");
    const first = directory.refresh();
    await elsewhere.write([{ kind: "delete", externalId: "acme" }]);
    const [second, third] = [directory.refresh(), directory.refresh()];
    expect(second).toBe(third);
    await Promise.all([first, second]);
    expect(await directory.lookup("acme")).toBeNull();
  });

  test("is refreshed in vain while the store is away, and hears of the change later", async () => {
    await directory.lookup("acme");
    await elsewhere.write([{ kind: "delete", externalId: "acme" }]);
    watched.away = true;
    await directory.refresh();
    expect(directory.peek("acme")?.external_id).toBe("acme");
    watched.away = false;
    await directory.refresh();
    expect(directory.peek("acme")).toBeUndefined();
  });

  test("hears that a tenant it knew is gone, and that one it missed has come", async () => {
    await directory.lookup("acme");
    await directory.lookup("newcomer");
    await changeElsewhere(
      { kind: "delete", externalId: "acme" },
      { kind: "put", tenant: tenant("newcomer") },
    );
    expect(await directory.lookup("acme")).toBeNull();
    expect(await directory.lookupSni("db.acme.com")).toBeNull();
    expect((await directory.lookup("newcomer"))?.external_id).toBe("newcomer");
  });

  test("follows a host name that moves to another tenant", async () => {
    await directory.lookupSni("db.acme.com");
    await changeElsewhere(
      { kind: "put", tenant: tenant("acme") },
      { kind: "put", tenant: tenant("beta", { sni_hostname: "db.acme.com" }) },
    );
    expect((await directory.lookupSni("db.acme.com"))?.external_id).toBe("beta");
    expect((await directory.lookup("acme"))?.sni_hostname).toBeNull();
  });

  test("does not remember what it read before a change and got after it", async () => {
    const gate = Promise.withResolvers<void>();
    watched.gate = gate.promise;
    const stale = directory.lookup("beta");
    await changeElsewhere({ kind: "put", tenant: tenant("beta", { db_port: 6000 }) });
    gate.resolve();
    expect((await stale)?.db_port).toBe(5432);
    expect(directory.peek("beta")).toBeUndefined();
    expect((await directory.lookup("beta"))?.db_port).toBe(6000);
  });

  test("serves whom it knows while the store is away, and refuses the others for now", async () => {
    await directory.lookup("acme");
    watched.away = true;
    expect((await directory.lookup("acme"))?.external_id).toBe("acme");
    const refusal: unknown = await directory.lookup("beta").catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(TenantLookupFailedError);
    expect(refusal).toMatchObject({
      sqlstate: "57P03",
      logText: "tenant lookup failed: disk on fire",
    });
    expect(String(refusal)).not.toContain("disk");
    watched.away = false;
    expect((await directory.lookup("beta"))?.external_id).toBe("beta");
  });

  test("says once that the store is away and once that it is back, and then hears what it missed", async () => {
    watched.away = true;
    const [gone] = [log.next(), clock.advance(POLL_MS)];
    expect(await gone).toContain("does not answer");
    watched.away = false;
    expect(await changeElsewhere({ kind: "delete", externalId: "beta" })).toEqual(["beta"]);
    expect(log.lines).toEqual([
      expect.stringContaining("does not answer"),
      "the tenant store answers again",
    ]);
  });

  test("does not start without its store", async () => {
    watched.away = true;
    expect(String(await rejectionOf(createDirectory(1).start()))).toContain("disk on fire");
  });

  test("leaves no timer behind when it is stopped", () => {
    expect(clock.pending).toBe(1);
    directory.stop();
    expect(clock.pending).toBe(0);
  });
});
