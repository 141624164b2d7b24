/**
 * What every tenant store does, whatever the engine. The test of an engine calls this with a way to
 * make an empty store and to open it a second time, as another process would.
 */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  allTenants,
  SniHostnameTakenError,
  StoreMovedError,
  type TenantStore,
} from "../../src/tenants/tenant-store.ts";
import { validateTenant } from "../../src/tenants/validate-tenant.ts";
import { rejectionOf } from "../support/rejection.ts";
import { tenant } from "./fixtures.ts";

export interface StoreUnderTest {
  /** Opens the same data; the first time, there is none. */
  open(): Promise<TenantStore>;
  /** Removes the data. All stores are closed. */
  remove(): Promise<void>;
}

const put = (...parameters: Parameters<typeof tenant>) =>
  ({ kind: "put", tenant: tenant(...parameters) }) as const;

const ban = (from: string, until: string | null) => ({
  banned_at: from,
  banned_until: until,
  ban_reason: "unpaid",
});

const member = (tenant_external_id: string, type: "read" | "write" = "write") => ({
  type,
  active: true,
  tenant_external_id,
});

const cluster = (alias: string, ...cluster_tenants: ReturnType<typeof member>[]) => ({
  alias,
  active: true,
  cluster_tenants,
});

async function foundIn(
  store: TenantStore,
  fields: { readonly search?: string; readonly banned?: boolean },
): Promise<string[]> {
  const page = await store.list({ after: null, limit: 10, ...fields });
  return page.map((one) => one.external_id);
}

export function describeTenantStore(engine: string, create: () => Promise<StoreUnderTest>): void {
  let data: StoreUnderTest;
  let store: TenantStore;
  let other: TenantStore;

  beforeEach(async () => {
    data = await create();
    store = await data.open();
    other = await data.open();
  });

  afterEach(async () => {
    await store.close();
    await other.close();
    await data.remove();
  });

  describe(`${engine}: records`, () => {
    test("gives back every field as it was put", async () => {
      const wanted = tenant("acme", {
        upstream_ssl: true,
        upstream_verify: "full",
        enforce_ssl: true,
        require_user: false,
        auth_query: "select rolname, rolpassword from pg_authid where rolname = $1",
        sni_hostname: "acme.example.com",
        allow_list: ["10.0.0.0/8", "fd00::/8"],
        feature_flags: { named_prepared_statements: true, share: 0.5, name: "Ünï" },
        use_jit: true,
        jit_api_url: "https://jit.example.com/check",
        default_parameter_status: { server_version: "18.1" },
        default_pool_strategy: "lifo",
        banned_at: "2026-01-01T00:00:00Z",
        banned_until: "2026-02-01T00:00:00+02:00",
        ban_reason: "unpaid",
        availability_zone: "eu-1a",
        client_idle_timeout: 60_000,
        idle_transaction_timeout: 0,
        users: [
          { db_user: "boss", db_password: 'it\'s \\ "ü"', is_manager: true, max_clients: 7 },
          { db_user: "pipe", mode_type: "native", pool_size: 3 },
          {
            db_user: "rotated",
            db_password: "new",
            db_password_previous: "old",
            previous_valid_until: "2026-08-01T12:00:00+02:00",
          },
          { db_user: "slow", db_password: "x", query_timeout: 1500, min_pool_size: 2 },
        ],
      });
      await store.write([{ kind: "put", tenant: wanted }]);
      const { id, inserted_at, updated_at, ...got } = (await other.get("acme")) ?? unexpected();
      expect(got).toEqual(wanted);
      expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
      expect(inserted_at).toBe(updated_at);
      const again = validateTenant(got, { globalUpstreamCa: true });
      expect(again).toEqual({ ok: true, value: wanted });
    });

    test("gives a tenant without users", async () => {
      await store.write([put("empty", { users: [] })]);
      expect((await store.get("empty"))?.users).toEqual([]);
    });

    test("replaces a tenant with all its users, and keeps its id and its birthday", async () => {
      await store.write([
        put("acme", {
          users: [
            { db_user: "a", db_password: "1" },
            { db_user: "b", db_password: "2" },
          ],
        }),
      ]);
      const before = await store.get("acme");
      await store.write([
        put("acme", { db_port: 6000, users: [{ db_user: "b", db_password: "3" }] }),
      ]);
      const after = await store.get("acme");
      expect(after?.db_port).toBe(6000);
      expect(after?.users.map((user) => [user.db_user, user.db_password])).toEqual([["b", "3"]]);
      expect(after?.id).toBe(before?.id ?? "");
      expect(after?.inserted_at).toBe(before?.inserted_at ?? "");
      expect(after?.updated_at).not.toBe(before?.updated_at ?? "");
    });

    test("knows nobody that was not put, or was deleted", async () => {
      await store.write([put("acme", { sni_hostname: "acme.example.com" })]);
      await store.write([
        { kind: "delete", externalId: "acme" },
        { kind: "delete", externalId: "never-was" },
      ]);
      expect(await store.get("acme")).toBeNull();
      expect(await store.get("never-was")).toBeNull();
      expect(await store.get("")).toBeNull();
      expect(await store.findBySni("acme.example.com")).toBeNull();
    });

    test("does not find the users of a deleted tenant in its successor", async () => {
      await store.write([put("acme")]);
      await store.write([{ kind: "delete", externalId: "acme" }]);
      await store.write([put("acme", { users: [] })]);
      expect((await store.get("acme"))?.users).toEqual([]);
    });

    test("gives many at once, without those that don't exist", async () => {
      await store.write(["a", "b", "c"].map((name) => put(name)));
      const found = await store.getMany(["c", "nobody", "a"]);
      expect(found.map((one) => one.external_id).toSorted()).toEqual(["a", "c"]);
      expect(await store.getMany([])).toEqual([]);
    });

    test("lists page by page, in order, whatever the number of users", async () => {
      const names = ["a", "b", "c", "d", "e"];
      const users = ["u", "v", "w"].map((user) => ({ db_user: user, db_password: "x" }));
      await store.write(names.toReversed().map((name) => put(name, { users })));
      const page = await store.list({ after: "b", limit: 2 });
      expect(page.map((one) => one.external_id)).toEqual(["c", "d"]);
      expect(page.map((one) => one.users.length)).toEqual([3, 3]);
      const all = await Array.fromAsync(allTenants(store, 2));
      expect(all.map((one) => one.external_id)).toEqual(names);
      expect(await store.list({ after: "e", limit: 2 })).toEqual([]);
    });
  });

  describe(`${engine}: host names`, () => {
    test("finds a tenant by its host name only", async () => {
      await store.write([put("acme", { sni_hostname: "db.acme.com" }), put("other")]);
      expect((await store.findBySni("db.acme.com"))?.external_id).toBe("acme");
      expect(await store.findBySni("acme.com")).toBeNull();
      expect(await store.findBySni("acme")).toBeNull();
      expect([...(await store.hostnameOwners(["db.acme.com", "free.com"]))]).toEqual([
        ["db.acme.com", "acme"],
      ]);
    });

    test("refuses a host name that another tenant has, and writes nothing", async () => {
      await store.write([put("acme", { sni_hostname: "db.acme.com" })]);
      const write = store.write([put("first"), put("thief", { sni_hostname: "db.acme.com" })]);
      expect(await rejectionOf(write)).toBeInstanceOf(SniHostnameTakenError);
      expect(await store.get("first")).toBeNull();
      expect(await store.get("thief")).toBeNull();
    });

    test("refuses two tenants of one write with the same host name", async () => {
      const write = store.write([
        put("a", { sni_hostname: "x.com" }),
        put("b", { sni_hostname: "x.com" }),
      ]);
      expect(await rejectionOf(write)).toBeInstanceOf(SniHostnameTakenError);
    });

    test("lets two tenants swap their host names", async () => {
      await store.write([put("a", { sni_hostname: "x.com" }), put("b", { sni_hostname: "y.com" })]);
      await store.write([put("a", { sni_hostname: "y.com" }), put("b", { sni_hostname: "x.com" })]);
      expect((await store.findBySni("x.com"))?.external_id).toBe("b");
    });

    test("lets any number of tenants have no host name", async () => {
      await store.write([put("a"), put("b")]);
      expect((await store.get("b"))?.sni_hostname).toBeNull();
    });
  });

  describe(`${engine}: changes`, () => {
    test("has another token after each write, here and elsewhere", async () => {
      const tokens = [await store.changeToken()];
      await store.write([put("a")]);
      tokens.push(await other.changeToken());
      await other.write([{ kind: "delete", externalId: "a" }]);
      tokens.push(await store.changeToken());
      expect(new Set(tokens).size).toBe(3);
    });

    test("keeps its token when nothing is written", async () => {
      const token = await store.changeToken();
      await store.write([]);
      await store.get("a");
      expect(await store.changeToken()).toBe(token);
      expect(await store.changedSince(token)).toEqual({ token, externalIds: [] });
    });

    test("tells what was put and deleted since a token, and nothing else", async () => {
      await store.write([put("a"), put("b"), put("c"), put("d")]);
      const token = await store.changeToken();
      await other.write([put("b", { db_port: 1 }), { kind: "delete", externalId: "c" }]);
      await other.write([put("b", { db_port: 2 })]);
      const changes = await store.changedSince(token);
      expect(changes).toEqual({ token: await other.changeToken(), externalIds: ["b", "c"] });
    });

    test("cannot tell what changed since a token that it never gave", async () => {
      await store.write([put("a")]);
      const token = await store.changeToken();
      const changes = await store.changedSince("1000000");
      expect(changes).toEqual({ token, externalIds: "all" });
    });

    test("refuses a write that is based on an older state of one of its tenants", async () => {
      const base = await store.changeToken();
      await other.write([put("a")]);
      const both = [put("b"), put("a", { db_port: 6000 })];
      expect(await rejectionOf(store.write(both, base))).toBeInstanceOf(StoreMovedError);
      expect(await store.get("b")).toBeNull();
      await store.write(both, await store.changeToken());
      expect((await store.get("a"))?.db_port).toBe(6000);
    });

    test("refuses a write that is based on a tenant which was deleted since", async () => {
      await store.write([put("a")]);
      const base = await store.changeToken();
      await other.write([{ kind: "delete", externalId: "a" }]);
      expect(await rejectionOf(store.write([put("a")], base))).toBeInstanceOf(StoreMovedError);
    });

    test("does not mind what others wrote of other tenants", async () => {
      const base = await store.changeToken();
      await other.write([put("a")]);
      await store.write([put("b")], base);
      expect((await store.get("b"))?.external_id).toBe("b");
    });

    test("refuses a write that is based on a state which this store never had", async () => {
      const ahead = String(Number(await store.changeToken()) + 1);
      expect(await rejectionOf(store.write([put("b")], ahead))).toBeInstanceOf(StoreMovedError);
    });

    test("does not count a refused write", async () => {
      await store.write([put("a", { sni_hostname: "x.com" })]);
      const token = await store.changeToken();
      await store.write([put("b", { sni_hostname: "x.com" })]).catch(() => null);
      expect(await other.changeToken()).toBe(token);
    });

    test("refuses two changes of one tenant in a write", async () => {
      const write = store.write([put("a"), { kind: "delete", externalId: "a" }]);
      expect(String(await rejectionOf(write))).toContain("changes each tenant once");
    });

    test("writers that come at once all get their turn", async () => {
      const names = Array.from({ length: 20 }, (_, index) => `t${index}`);
      await Promise.all(
        names.map((name, index) => (index % 2 === 0 ? store : other).write([put(name)])),
      );
      const all = await Array.fromAsync(allTenants(store));
      expect(all.map((one) => one.external_id)).toEqual(names.toSorted());
      expect(await store.changeToken()).toBe("20");
    });
  });

  describe(`${engine}: a list`, () => {
    test("finds a part of a name, a host or a database, in upper or lower case", async () => {
      await store.write([
        put("acme"),
        put("Beta", { db_host: "DB.acme.com" }),
        put("gamma", { db_database: "acmeish" }),
        put("delta"),
      ]);
      expect((await foundIn(store, { search: "ACME" })).toSorted()).toEqual([
        "Beta",
        "acme",
        "gamma",
      ]);
      expect(await foundIn(store, { search: "nobody" })).toEqual([]);
    });

    test.each(["%", "_", "\\"])("takes %s for itself", async (search) => {
      await store.write([put("plain"), put("odd", { db_database: "a%b_c\\d" })]);
      expect(await foundIn(store, { search })).toEqual(["odd"]);
    });

    test("knows who is banned now, and pages on through them", async () => {
      await store.write([
        put("free"),
        put("over", ban("1960-01-01T00:00:00Z", "1961-01-01T00:00:00Z")),
        put("later", ban("2999-01-01T00:00:00Z", null)),
        put("now", ban("1960-01-01T00:00:00Z", "2999-01-01T00:00:00Z")),
        put("always", ban("1960-01-01T00:00:00Z", null)),
      ]);
      expect(await foundIn(store, { banned: true })).toEqual(["always", "now"]);
      expect(await foundIn(store, { banned: false })).toEqual(["free", "later", "over"]);
      const rest = await store.list({ after: "always", limit: 10, banned: true });
      expect(rest.map((one) => one.external_id)).toEqual(["now"]);
    });
  });

  describe(`${engine}: a cluster`, () => {
    beforeEach(() => store.write([put("a"), put("b"), put("c")]));

    test("comes back with its tenants in their order, and keeps its id when it is put again", async () => {
      await store.clusters.put(cluster("main", member("b", "read"), member("a")));
      const first = await other.clusters.get("main");
      expect(first).toMatchObject(cluster("main", member("b", "read"), member("a")));
      await store.clusters.put({ ...cluster("main", member("c")), active: false });
      const second = await other.clusters.get("main");
      expect(second).toMatchObject({
        id: first?.id,
        inserted_at: first?.inserted_at,
        active: false,
      });
      expect(second?.cluster_tenants.map((one) => one.tenant_external_id)).toEqual(["c"]);
    });

    test("is no longer there when it was deleted, and its tenants stay", async () => {
      await store.clusters.put(cluster("main", member("a")));
      await store.clusters.delete("main");
      await store.clusters.delete("main");
      expect(await other.clusters.get("main")).toBeNull();
      expect((await store.get("a"))?.external_id).toBe("a");
      await store.clusters.put(cluster("next", member("a")));
    });

    test("refuses a tenant that does not exist, or is in another one, and stays as it was", async () => {
      await store.clusters.put(cluster("main", member("a")));
      expect(String(await rejectionOf(store.clusters.put(cluster("main", member("x")))))).toContain(
        "tenant x does not exist",
      );
      expect(String(await rejectionOf(store.clusters.put(cluster("next", member("a")))))).toContain(
        "tenant a is in cluster main already",
      );
      expect(await store.clusters.get("next")).toBeNull();
      expect(await store.clusters.get("main")).toMatchObject(cluster("main", member("a")));
    });

    test("keeps a tenant that is changed, and loses one that is deleted", async () => {
      await store.clusters.put(cluster("main", member("a"), member("b")));
      await store.write([put("a", { db_port: 6000 }), { kind: "delete", externalId: "b" }]);
      expect((await other.clusters.get("main"))?.cluster_tenants).toMatchObject([member("a")]);
    });

    test("is put with its tenants in one write, or none of them is", async () => {
      await store.write([put("d")], undefined, [cluster("main", member("d"))]);
      expect(await other.clusters.get("main")).toMatchObject(cluster("main", member("d")));
      const taken = store.write([put("e")], undefined, [
        cluster("own", member("e")),
        cluster("next", member("d")),
      ]);
      expect(String(await rejectionOf(taken))).toContain("tenant d is in cluster main already");
      expect([await other.get("e"), await other.clusters.get("own")]).toEqual([null, null]);
    });

    test("moves the change token, and pages in the order of names", async () => {
      const token = await store.changeToken();
      await store.clusters.put(cluster("m"));
      expect(await other.changeToken()).not.toBe(token);
      await store.clusters.put(cluster("k"));
      await store.clusters.put(cluster("z"));
      const page = await store.clusters.list({ after: "k", limit: 1 });
      expect(page.map((one) => one.alias)).toEqual(["m"]);
    });
  });
}

function unexpected(): never {
  throw new Error("the tenant is there");
}
