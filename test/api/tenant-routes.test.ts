import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { ACME, ApiStand, PASSWORD } from "./support/api-stand.ts";

let api: ApiStand;

beforeEach(async () => {
  api = await ApiStand.open();
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

const put = (tenant: unknown, id = "acme") =>
  api.request(`/api/tenants/${id}`, { method: "PUT", body: { tenant } });

const patch = (body: unknown, id = "acme") =>
  api.request(`/api/tenants/${id}`, { method: "PATCH", body });

const update = (body: unknown) =>
  api.request("/api/tenants/acme/update_auth_credentials", { method: "POST", body });

const namesOf = (json: unknown): string[] => {
  const data: unknown = Reflect.get(json ?? {}, "data");
  return Array.isArray(data)
    ? data.map((tenant) => String(Reflect.get(tenant, "external_id")))
    : [];
};

async function listed(query: string): Promise<string[]> {
  return namesOf((await api.request(`/api/tenants?${query}`)).json);
}

function away(): Promise<never> {
  return Promise.reject(new Error("cannot open /var/lib/secret-place"));
}

describe("PUT /api/tenants/:id", () => {
  test("makes a tenant: 201, with its place and without its password", async () => {
    const made = await put(ACME);
    expect(made.status).toBe(201);
    expect(made.headers.get("location")).toBe("/api/tenants/acme");
    expect(made.json).toMatchObject({
      data: {
        external_id: "acme",
        db_port: 5432,
        default_pool_size: 15,
        users: [{ db_user: "app", db_user_alias: "app", mode_type: "transaction" }],
      },
    });
    expect(made.text).not.toContain(PASSWORD);
    expect((await api.request("/api/tenants/acme")).json).toEqual(made.json);
  });

  test("changes one: 200, and what is left out stays", async () => {
    await put(ACME);
    const changed = await put({ default_pool_size: 30 });
    expect(changed.status).toBe(200);
    expect(changed.json).toMatchObject({
      data: { default_pool_size: 30, db_host: "db.example.com", users: [{ db_user: "app" }] },
    });
  });

  test("does nothing where nothing changes: no write, no audit record", async () => {
    const made = await put(ACME);
    const [token, records] = [await api.store.changeToken(), api.audited.length];
    const again = await put(ACME);
    expect([again.status, again.json]).toEqual([200, made.json]);
    expect([await api.store.changeToken(), api.audited.length]).toEqual([token, records]);
  });

  test("takes an answer back as it is", async () => {
    const { json } = await put(ACME);
    const answered: unknown = Reflect.get(json ?? {}, "data");
    expect((await put(answered)).status).toBe(200);
    expect(api.audited).toHaveLength(1);
  });

  test("notes who has done it, from where", async () => {
    await put(ACME);
    const [record] = api.audited;
    expect(record).toMatchObject({
      actor: { name: "ops", address: "192.0.2.7" },
      action: "tenant.create",
      subject: "acme",
    });
    expect(JSON.stringify(record)).not.toContain(PASSWORD);
  });

  test("says what is wrong with each field, and repeats no password", async () => {
    const { status, json, text } = await put({
      ...ACME,
      db_port: 0,
      db_hots: "x",
      users: [{ db_user: "app", db_password: 5, pool_size: PASSWORD }, { db_user: "" }],
    });
    expect(status).toBe(422);
    expect(json).toMatchObject({
      error: "validation failed",
      errors: {
        db_port: ["must be a whole number from 1 to 65535, not 0"],
        db_hots: ["is not a known field: did you mean db_host?"],
        "users[1].db_user": [expect.stringContaining("must be 1 to 63 bytes")],
      },
    });
    expect(Reflect.get(json ?? {}, "problems")).toContainEqual({
      path: ["db_port"],
      message: "must be a whole number from 1 to 65535",
      value: "0",
    });
    expect(text).not.toContain('"db_password":[5');
  });

  test("tells at most a hundred problems", async () => {
    const fields = Object.fromEntries(Array.from({ length: 150 }, (_, index) => [`x${index}`, 1]));
    const { status, json } = await put({ ...ACME, ...fields });
    expect(status).toBe(422);
    expect(Reflect.get(json ?? {}, "problems")).toHaveLength(100);
  });

  test.each([
    ["another name than the path's", "acme", { ...ACME, external_id: "other" }, "external_id"],
    ["a name that can be none", "a.b", ACME, "external_id"],
    ["a ban", "acme", { ...ACME, banned_at: "2026-01-01T00:00:00Z" }, "banned_at"],
    ["an id that is no tenant's", "-rf", ACME, "external_id"],
  ])("refuses %s", async (_, id, tenant, field) => {
    const { status, json } = await put(tenant, id);
    expect(status).toBe(422);
    expect(Object.keys(Reflect.get(json ?? {}, "errors"))).toContain(field);
  });

  test.each(["a%2Fb", "a%00b", "%2e%2e%2fadmin", "%F0%9F%98%80", "a b", "x".repeat(64), "%"])(
    "refuses the name %s",
    async (id) => {
      const { status } = await put(ACME, id);
      expect([404, 422]).toContain(status);
    },
  );

  test("refuses a host name that another tenant has: 409", async () => {
    await put({ ...ACME, sni_hostname: "db.example.org" });
    const { status, json } = await put({ ...ACME, sni_hostname: "DB.example.org" }, "beta");
    expect(status).toBe(409);
    expect(json).toMatchObject({ errors: { sni_hostname: ["belongs to tenant acme"] } });
  });

  test.each([[{}], [[]], [null], [5], ["text"], [{ tennant: ACME }], [[{ tenant: ACME }]]])(
    "refuses a body that is not {tenant}: %j",
    async (body) => {
      const answer = await api.request("/api/tenants/acme", {
        method: "PUT",
        body: JSON.stringify(body),
      });
      expect(answer.status).toBe(400);
    },
  );

  test.each([[null], [[]], [5], ["text"]])("refuses a tenant that is %j", async (tenant) => {
    expect((await put(tenant)).status).toBe(422);
  });

  test("takes a tenant of 10 000 users", async () => {
    const users = Array.from({ length: 10_000 }, (_, index) => ({
      db_user: `user_${index}`,
      db_password: PASSWORD,
    }));
    const { status, text } = await put({ ...ACME, users });
    expect(status).toBe(201);
    expect(text).toContain("user_9999");
    expect(text).not.toContain(PASSWORD);
  });
});

describe("PATCH /api/tenants/:id", () => {
  test("bans and lifts the ban", async () => {
    await put(ACME);
    const banned = await patch({ banned: true, ban_reason: "unpaid" });
    expect(banned.status).toBe(200);
    expect(banned.json).toMatchObject({ data: { ban_reason: "unpaid", banned_until: null } });
    const lifted = await patch({ banned: false });
    expect(lifted.json).toMatchObject({ data: { banned_at: null, ban_reason: null } });
  });

  test.each([
    [{ banned: true }, "ban_reason"],
    [{ banned: "yes" }, "banned"],
    [{ banned: true, ban_reason: "x", banned_until: "tomorrow" }, "banned_until"],
    [{ banned: true, ban_reason: "x", banned_until: "2020-01-01T00:00:00Z" }, "banned_until"],
    [{ banned: false, db_host: "x" }, "db_host"],
  ])("refuses %j", async (body, field) => {
    await put(ACME);
    const { status, json } = await patch(body);
    expect(status).toBe(422);
    expect(Object.keys(Reflect.get(json ?? {}, "errors"))).toEqual([field]);
  });

  test("of a tenant that does not exist is 404", async () => {
    const { status, json } = await patch({ banned: false });
    expect([status, json]).toEqual([404, { error: "not found" }]);
  });
});

describe("GET and DELETE /api/tenants/:id", () => {
  test("of a tenant that does not exist are 404, as JSON", async () => {
    for (const method of ["GET", "DELETE"]) {
      // oxlint-disable-next-line no-await-in-loop -- one method after the other
      const { status, json } = await api.request("/api/tenants/acme", { method });
      expect([status, json]).toEqual([404, { error: "not found" }]);
    }
  });

  test("DELETE takes the tenant away: 204, then 404", async () => {
    await put(ACME);
    const deleted = await api.request("/api/tenants/acme", { method: "DELETE" });
    expect([deleted.status, deleted.text]).toEqual([204, ""]);
    expect((await api.request("/api/tenants/acme", { method: "DELETE" })).status).toBe(404);
    expect(api.audited.map(({ action }) => action)).toEqual(["tenant.create", "tenant.delete"]);
  });
});

describe("POST /api/tenants/:id/update_auth_credentials", () => {
  test("changes a password: 204, and nobody is shown it", async () => {
    await put(ACME);
    const { status, text } = await update({ db_user: "app", db_password: "the-new-password" });
    expect([status, text]).toEqual([204, ""]);
    const stored = await api.store.get("acme");
    expect(stored?.users[0]?.db_password).toBe("the-new-password");
    const shown = (await api.request("/api/tenants/acme")).text + api.lines.join("");
    expect(shown + JSON.stringify(api.audited)).not.toContain("the-new-password");
  });

  test.each([
    [{ db_user: "app" }, "db_password"],
    [{ db_password: "x" }, "db_user"],
    [{ db_user: "nobody", db_password: "x" }, "db_user"],
    [{ db_user: "app", db_password: "x", grace_period: -1 }, "grace_period"],
  ])("refuses %j", async (body, field) => {
    await put(ACME);
    const { status, json } = await update(body);
    expect(status).toBe(422);
    expect(Object.keys(Reflect.get(json ?? {}, "errors"))).toEqual([field]);
  });

  test("of a tenant that does not exist is 404", async () => {
    expect((await update({ db_user: "app", db_password: "x" })).status).toBe(404);
  });
});

describe("GET /api/tenants", () => {
  test("gives pages in the order of names, and says where the next begins", async () => {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    for (const id of ["c", "a", "e", "b", "d"]) expect((await put(ACME, id)).status).toBe(201);
    const names: string[] = [];
    let next: unknown = null;
    do {
      const after = typeof next === "string" ? `&after=${next}` : "";
      // oxlint-disable-next-line no-await-in-loop -- a page begins where the last ended
      const { status, json, text } = await api.request(`/api/tenants?limit=2${after}`);
      expect(status).toBe(200);
      expect(text).not.toContain(PASSWORD);
      names.push(...namesOf(json));
      next = Reflect.get(json ?? {}, "next");
    } while (next !== null && names.length < 10);
    expect(names).toEqual(["a", "b", "c", "d", "e"]);
  });

  test("gives those that are looked for", async () => {
    await Promise.all(["alpha", "beta", "alphabet"].map((id) => put(ACME, id)));
    expect(await listed("search=ALPHA")).toEqual(["alpha", "alphabet"]);
    expect(await listed("search=alpha&banned=false")).toEqual(["alpha", "alphabet"]);
    expect(await listed("banned=true")).toEqual([]);
    expect(await listed("search=%25")).toEqual([]);
    expect(await listed("search=alpha&limit=1&after=alpha")).toEqual(["alphabet"]);
  });

  test("is empty where there is none", async () => {
    expect((await api.request("/api/tenants")).json).toEqual({ data: [], next: null });
  });

  test.each([
    ["limit=0", "limit"],
    ["limit=1001", "limit"],
    ["limit=ten", "limit"],
    ["limit=1.5", "limit"],
    ["limit=", "limit"],
    ["banned=perhaps", "banned"],
    [`after=${"x".repeat(256)}`, "after"],
    ["search=", "search"],
    ["limit=1&limit=2", "limit"],
  ])("refuses ?%s", async (query, field) => {
    const { status, json } = await api.request(`/api/tenants?${query}`);
    expect(status).toBe(422);
    expect(Object.keys(Reflect.get(json ?? {}, "errors"))).toEqual([field]);
  });
});

describe("while the store is away", () => {
  test.each([
    ["GET", "/api/tenants", undefined],
    ["GET", "/api/tenants/acme", undefined],
    ["PUT", "/api/tenants/acme", { tenant: ACME }],
    ["DELETE", "/api/tenants/acme", undefined],
    ["POST", "/api/tenants/acme/terminate", undefined],
  ])("%s %s is 503, and may be tried again", async (method, path, body) => {
    Object.assign(api.store, { get: away, list: away, changeToken: away });
    const { status, headers, text } = await api.request(path, { method, body });
    expect(status).toBe(503);
    expect(headers.get("retry-after")).toBe("2");
    expect(text).not.toContain("secret-place");
  });
});
