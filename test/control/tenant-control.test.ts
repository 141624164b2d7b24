import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { AuditRecord } from "../../src/control/audit.ts";
import {
  HostnameTakenError,
  InvalidFieldsError,
  StoreAwayError,
  TenantNotFoundError,
} from "../../src/control/control-errors.ts";
import { TenantControl } from "../../src/control/tenant-control.ts";
import type { TenantStore } from "../../src/tenants/tenant-store.ts";
import { StoreMovedError } from "../../src/tenants/tenant-store.ts";
import { rejectionOf } from "../support/rejection.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { tenant } from "../tenants/fixtures.ts";
import { delegate, openStore } from "../tenants/store-fixtures.ts";

const ACTOR = { name: "ops", address: "192.0.2.1" };
const NOW = "2026-06-01T00:00:00.000Z";
const UNTIL = { previous_valid_until: "2099-01-01T00:00:00.000Z" };
const ACME = {
  db_host: "db.example.com",
  db_port: 5432,
  db_database: "postgres",
  users: [{ db_user: "app", db_password: "hunter2" }],
};

describe("TenantControl", () => {
  let folder: TemporaryFolder;
  let store: TenantStore;
  let records: AuditRecord[];
  let control: TenantControl;

  beforeEach(async () => {
    folder = await makeTemporaryFolder();
    store = await openStore(join(folder.path, "tenants.sqlite"));
    records = [];
    control = over(store);
  });

  afterEach(async () => {
    await store.close();
    await folder.remove();
  });

  function over(someStore: TenantStore): TenantControl {
    return new TenantControl({
      store: someStore,
      audit: { write: (record) => records.push(record) },
      wallClock: { iso: () => NOW },
      context: { globalUpstreamCa: false },
    });
  }

  const put = (fields: object, id = "acme") => control.put(ACTOR, id, fields);
  const passwords = async (id = "acme") =>
    (await store.get(id))?.users.map((user) => user.db_password);

  test("creates a tenant, and shows no password of it", async () => {
    const { outcome, tenant: made } = await put(ACME);
    expect(outcome).toBe("created");
    expect(made.users[0]?.db_user).toBe("app");
    expect(JSON.stringify([made, await control.get("acme")])).not.toContain("hunter2");
    expect(await passwords()).toEqual(["hunter2"]);
  });

  test("changes what is named and leaves the rest", async () => {
    await put(ACME);
    const { outcome, tenant: changed } = await put({ default_pool_size: 30 });
    expect(outcome).toBe("updated");
    expect(changed).toMatchObject({ default_pool_size: 30, db_host: "db.example.com" });
    expect(await passwords()).toEqual(["hunter2"]);
  });

  test("does nothing where nothing changes", async () => {
    await put(ACME);
    const token = await store.changeToken();
    expect((await put(ACME)).outcome).toBe("unchanged");
    expect(await store.changeToken()).toBe(token);
    expect(records).toHaveLength(1);
  });

  test("takes back its own answer, in which passwords and certificates are missing", async () => {
    await put({ ...ACME, client_idle_timeout: 5 });
    const answer = await control.get("acme");
    expect((await put(answer)).outcome).toBe("unchanged");
    expect((await put({ ...answer, default_pool_size: 3 })).outcome).toBe("updated");
    expect(await passwords()).toEqual(["hunter2"]);
  });

  test.each<[string, object, object]>([
    ["its own answer", {}, {}],
    ["a user without passwords", { users: [{ db_user: "app" }] }, {}],
    ["the present password", { users: [{ db_user: "app", db_password: "hunter2" }] }, {}],
    [
      "another password",
      { users: [{ db_user: "app", db_password: "hunter3", ...UNTIL }] },
      { db_password: "hunter3", db_password_previous: null, previous_valid_until: null },
    ],
    [
      "the end of the grace",
      { users: [{ db_user: "app", previous_valid_until: null }] },
      { db_password_previous: null, previous_valid_until: null },
    ],
    [
      "a longer grace",
      { users: [{ db_user: "app", previous_valid_until: "2099-02-01T00:00:00Z" }] },
      { previous_valid_until: "2099-02-01T00:00:00.000Z" },
    ],
  ])("knows what a rotation keeps, given %s", async (_what, input, expected) => {
    const user = { db_user: "app", db_password: "hunter2", db_password_previous: "hunter1" };
    await put({ ...ACME, users: [{ ...user, ...UNTIL }] });
    await put({ ...(await control.get("acme")), ...input });
    expect((await store.get("acme"))?.users[0]).toMatchObject({ ...user, ...UNTIL, ...expected });
    expect(JSON.stringify([records, await control.get("acme")])).not.toContain("hunter");
  });

  test("rotates a password, and its audit record names what it does not show", async () => {
    await put(ACME);
    const input = { db_user: "app", db_password: "hunter3", grace_period: 60 };
    await control.updateCredentials(ACTOR, "acme", input);
    expect((await store.get("acme"))?.users[0]).toMatchObject({
      db_password: "hunter3",
      db_password_previous: "hunter2",
      previous_valid_until: "2026-06-01T00:01:00.000Z",
    });
    expect(records.at(-1)).toMatchObject({
      action: "tenant.update",
      changes: [
        { field: "users.app.db_password", hidden: true },
        { field: "users.app.db_password_previous", hidden: true },
        { field: "users.app.previous_valid_until", before: null },
      ],
    });
    expect(JSON.stringify(records)).not.toContain("hunter");
  });

  test("writes nothing when a rotation is asked for once more", async () => {
    await put(ACME);
    const input = { db_user: "app", db_password: "hunter3" };
    await control.updateCredentials(ACTOR, "acme", input);
    const token = await store.changeToken();
    await control.updateCredentials(ACTOR, "acme", input);
    expect(await store.changeToken()).toBe(token);
    expect(records).toHaveLength(2);
  });

  test("rotates nothing of a tenant that is not there, or of a role that it has not", async () => {
    const input = { db_user: "nobody", db_password: "hunter3" };
    const missing = await rejectionOf(control.updateCredentials(ACTOR, "acme", input));
    expect(missing).toBeInstanceOf(TenantNotFoundError);
    await put(ACME);
    const unlisted = await rejectionOf(control.updateCredentials(ACTOR, "acme", input));
    expect(unlisted).toBeInstanceOf(InvalidFieldsError);
    expect(String(unlisted)).not.toContain("hunter");
    expect(await passwords()).toEqual(["hunter2"]);
  });

  test("replaces all users, of whom those without a password keep theirs", async () => {
    await put({ ...ACME, users: [...ACME.users, { db_user: "old", db_password: "x" }] });
    await put({
      users: [
        { db_user: "app", pool_size: 2 },
        { db_user: "new", db_password: "y" },
      ],
    });
    expect((await store.get("acme"))?.users.map((user) => user.db_user)).toEqual(["app", "new"]);
    expect(await passwords()).toEqual(["hunter2", "y"]);
  });

  test("asks for the password of a user that is new", async () => {
    const error = await rejectionOf(put({ ...ACME, users: [{ db_user: "app" }] }));
    expect(error).toBeInstanceOf(InvalidFieldsError);
    expect(String(error)).toContain("users[0].db_password is required");
  });

  test.each([
    [{ ...ACME, external_id: "other" }, "external_id must be acme"],
    [{ ...ACME, db_port: 0 }, "db_port must be a whole number"],
    [{ ...ACME, defualt_pool_size: 3 }, "did you mean default_pool_size?"],
    [{ ...ACME, banned_at: NOW, ban_reason: "x" }, "banned_at is changed by PATCH"],
    [[], "must be a map of fields"],
    [null, "must be a map of fields"],
    ["acme", "must be a map of fields"],
  ])("refuses %j and writes nothing", async (input, words) => {
    const error = await rejectionOf(control.put(ACTOR, "acme", input));
    expect(error).toBeInstanceOf(InvalidFieldsError);
    expect(String(error)).toContain(words);
    expect(await store.get("acme")).toBeNull();
    expect(records).toEqual([]);
  });

  test("refuses a host name that is another's", async () => {
    await put({ ...ACME, sni_hostname: "acme.example.com" });
    const error = await rejectionOf(put({ ...ACME, sni_hostname: "acme.example.com" }, "beta"));
    expect(error).toBeInstanceOf(HostnameTakenError);
    expect(String(error)).toContain("belongs to tenant acme");
  });

  test("bans, keeps the beginning of a ban, and lifts it", async () => {
    await put(ACME);
    const banned = await control.setBan(ACTOR, "acme", { banned: true, ban_reason: "unpaid" });
    expect(banned).toMatchObject({ banned_at: NOW, ban_reason: "unpaid", banned_until: null });
    const longer = await control.setBan(ACTOR, "acme", {
      banned: true,
      ban_reason: "unpaid",
      banned_until: "2027-01-01T00:00:00Z",
    });
    expect(longer.banned_until).toBe("2027-01-01T00:00:00.000Z");
    const lifted = await control.setBan(ACTOR, "acme", { banned: false });
    expect(lifted).toMatchObject({ banned_at: null, ban_reason: null, banned_until: null });
    expect(await passwords()).toEqual(["hunter2"]);
  });

  test.each([
    [{}, "banned must be true or false"],
    [{ banned: "yes" }, "banned must be true or false"],
    [{ banned: true }, "ban_reason is required"],
    [{ banned: true, ban_reason: 7 }, "ban_reason must be"],
    [{ banned: true, ban_reason: "x", banned_until: "tomorrow" }, "banned_until must be a time"],
    [{ banned: true, ban_reason: "x", banned_until: NOW }, "banned_until must lie ahead"],
    [{ banned: true, ban_reason: "x", until: NOW }, "until is not known"],
    [null, "must be a map with banned"],
  ])("refuses the ban %j", async (input, words) => {
    await put(ACME);
    const error = await rejectionOf(control.setBan(ACTOR, "acme", input));
    expect(error).toBeInstanceOf(InvalidFieldsError);
    expect(String(error)).toContain(words);
    expect((await store.get("acme"))?.banned_at).toBeNull();
  });

  test("deletes once", async () => {
    await put(ACME);
    await control.delete(ACTOR, "acme");
    expect(await store.get("acme")).toBeNull();
    expect(await rejectionOf(control.delete(ACTOR, "acme"))).toBeInstanceOf(TenantNotFoundError);
  });

  test.each([
    ["get", () => control.get("nobody")],
    ["setBan", () => control.setBan(ACTOR, "nobody", { banned: false })],
  ])("%s says that a tenant does not exist", async (_verb, ask) => {
    expect(await rejectionOf(ask())).toBeInstanceOf(TenantNotFoundError);
  });

  test("pages through all tenants, each once", async () => {
    await store.write(["a", "b", "c", "d", "e"].map((id) => ({ kind: "put", tenant: tenant(id) })));
    const seen: string[] = [];
    let after: string | null = null;
    for (let pages = 0; pages < 3; pages += 1) {
      // oxlint-disable-next-line no-await-in-loop -- a page begins where the last one ended
      const page = await control.list({ after, limit: 2 });
      seen.push(...page.tenants.map((one) => one.external_id));
      after = page.next;
    }
    expect(seen).toEqual(["a", "b", "c", "d", "e"]);
    expect(after).toBeNull();
  });

  test("does not promise a page behind one that is just full", async () => {
    await store.write(["a", "b"].map((id) => ({ kind: "put", tenant: tenant(id) })));
    expect((await control.list({ after: null, limit: 2 })).next).toBeNull();
  });

  test("loses no change of fifty that are made at once", async () => {
    await put(ACME);
    const second = over(store);
    const limits = Array.from({ length: 50 }, (_, index) => index + 1);
    await Promise.all(
      limits.map((size) =>
        (size % 2 === 0 ? control : second).put(ACTOR, "acme", {
          feature_flags: { [`f${size}`]: true },
          default_pool_size: size,
        }),
      ),
    );
    expect(records).toHaveLength(51);
  });

  test("begins again where another process came between, with what that one wrote", async () => {
    await put(ACME);
    let others = 3;
    const meddled = over({
      ...delegate(store),
      get: async (externalId) => {
        const found = await store.get(externalId);
        others -= 1;
        if (others > 0) await put({ default_max_clients: 100 + others });
        return found;
      },
    });
    const { tenant: changed } = await meddled.put(ACTOR, "acme", { default_pool_size: 7 });
    expect(changed).toMatchObject({ default_pool_size: 7, default_max_clients: 101 });
  });

  test("gives up where others always come between, and says so", async () => {
    await put(ACME);
    const moved = over({
      ...delegate(store),
      write: () => Promise.reject(new StoreMovedError()),
    });
    const error = await rejectionOf(moved.put(ACTOR, "acme", { default_pool_size: 7 }));
    expect(error).toBeInstanceOf(StoreAwayError);
  });

  test("says that the store is away, and goes on when it is back", async () => {
    let away = true;
    const flaky = over({
      ...delegate(store),
      changeToken: () =>
        away ? Promise.reject(new Error("connection refused")) : store.changeToken(),
    });
    const error = await rejectionOf(flaky.put(ACTOR, "acme", ACME));
    expect(error).toBeInstanceOf(StoreAwayError);
    expect(String(error)).toContain("connection refused");
    away = false;
    expect((await flaky.put(ACTOR, "acme", ACME)).outcome).toBe("created");
  });
});

describe("the audit record", () => {
  let folder: TemporaryFolder;
  let store: TenantStore;
  const records: AuditRecord[] = [];
  let control: TenantControl;

  beforeEach(async () => {
    folder = await makeTemporaryFolder();
    store = await openStore(join(folder.path, "tenants.sqlite"));
    records.length = 0;
    control = new TenantControl({
      store,
      audit: { write: (record) => records.push(record) },
      wallClock: { iso: () => NOW },
      context: { globalUpstreamCa: false },
    });
    await control.put(ACTOR, "acme", { ...ACME, auth_query: null });
  });

  afterEach(async () => {
    await store.close();
    await folder.remove();
  });

  test("of a new tenant names who, what, and the fields that it has", () => {
    expect(records[0]).toMatchObject({ actor: ACTOR, action: "tenant.create", subject: "acme" });
    expect(records[0]?.changes).toContainEqual({ field: "db_host", after: "db.example.com" });
    expect(records[0]?.changes).toContainEqual({ field: "users.app.db_password", hidden: true });
    expect(records[0]?.changes).not.toContainEqual({ field: "auth_query", after: null });
  });

  test("of a change has each field before and after, and no password", async () => {
    await control.put(ACTOR, "acme", {
      default_pool_size: 20,
      users: [{ db_user: "app", db_password: "correct horse", pool_size: 4 }],
    });
    expect(records[1]).toEqual({
      actor: ACTOR,
      action: "tenant.update",
      subject: "acme",
      changes: [
        { field: "default_pool_size", before: 15, after: 20 },
        { field: "users.app.db_password", hidden: true },
        { field: "users.app.pool_size", before: null, after: 4 },
      ],
    });
    expect(JSON.stringify(records)).not.toContain("hunter2");
    expect(JSON.stringify(records)).not.toContain("correct horse");
  });

  test("of a ban, and of its end", async () => {
    await control.setBan(ACTOR, "acme", { banned: true, ban_reason: "unpaid" });
    await control.setBan(ACTOR, "acme", { banned: false });
    expect(records[1]?.changes).toContainEqual({
      field: "ban_reason",
      before: null,
      after: "unpaid",
    });
    expect(records[2]?.changes).toContainEqual({
      field: "ban_reason",
      before: "unpaid",
      after: null,
    });
  });

  test("of a tenant with a thousand users stays short, and says how much it leaves out", async () => {
    const users = Array.from({ length: 1000 }, (_, index) => ({
      db_user: `u${index}`,
      db_password: "p",
    }));
    await control.put(ACTOR, "acme", { users });
    expect(records[1]?.changes.length).toBe(201);
    expect(records[1]?.changes.at(-1)?.field).toMatch(/^\(and \d+ more\)$/);
  });

  test("of a deletion", async () => {
    await control.delete(ACTOR, "acme");
    expect(records[1]).toEqual({
      actor: ACTOR,
      action: "tenant.delete",
      subject: "acme",
      changes: [],
    });
  });
});
