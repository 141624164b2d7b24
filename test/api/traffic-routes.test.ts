import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { tenant } from "../tenants/fixtures.ts";
import { ACME, ApiStand } from "./support/api-stand.ts";

let api: ApiStand;

beforeEach(async () => {
  api = await ApiStand.open();
  await api.request("/api/tenants/acme", { method: "PUT", body: { tenant: ACME } });
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

const post = (verb: string, body?: unknown, id = "acme") =>
  api.request(`/api/tenants/${id}/${verb}`, { method: "POST", body });

const putCluster = (body: unknown) => api.request("/api/clusters/eu", { method: "PUT", body });

const actions = () => api.audited.map(({ action }) => action).slice(1);

describe("GET /api/tenants/:id/state", () => {
  test("shows what runs, by the API's names", async () => {
    const { status, json } = await api.request("/api/tenants/acme/state");
    expect(status).toBe(200);
    expect(json).toMatchObject({
      data: {
        external_id: "acme",
        clients_waiting: 1,
        pools: [{ servers_active: 2, last_error: null }, { last_error: "connection refused" }],
        last_errors: [{ sqlstate: "28P01", where: "server" }],
      },
    });
  });
});

describe("A change over the API", () => {
  test("is answered when all who serve clients have heard of it", async () => {
    const before = api.traffic.refreshes;
    await api.request("/api/tenants/acme", { method: "PUT", body: { tenant: ACME } });
    await putCluster({ cluster: { active: true, cluster_tenants: [] } });
    await api.request("/api/tenants/acme", { method: "DELETE" });
    expect(api.traffic.refreshes - before).toBe(3);
  });

  test("is spread neither where it was refused nor where one only looks", async () => {
    const before = api.traffic.refreshes;
    const body = { tenant: { ...ACME, db_port: 0 } };
    expect((await api.request("/api/tenants/acme", { method: "PUT", body })).status).toBe(422);
    expect((await api.stranger("/api/tenants/acme", { method: "DELETE" })).status).toBe(401);
    expect((await api.request("/api/tenants/acme")).status).toBe(200);
    expect(api.traffic.refreshes - before).toBe(0);
  });
});

describe("POST /api/tenants/:id/terminate", () => {
  test("ends clients and servers, and says how many", async () => {
    const { status, json } = await post("terminate");
    expect(status).toBe(200);
    expect(json).toEqual({ result: "ended 3 clients and 2 servers", clients: 3, servers: 2 });
    expect(api.traffic.asked).toEqual(["terminate acme"]);
    expect(actions()).toEqual(["tenant.terminate"]);
  });

  test("is done by GET too, as with Supavisor, but not by a look ahead of it (HEAD)", async () => {
    expect((await api.request("/api/tenants/acme/terminate")).status).toBe(200);
    expect(api.traffic.asked).toEqual(["terminate acme"]);
    expect((await api.request("/api/tenants/acme/terminate", { method: "HEAD" })).status).toBe(405);
    expect(api.traffic.asked).toEqual(["terminate acme"]);
  });
});

describe("pause, resume and drain", () => {
  test("a pause waits as long as it is told, and 30 s where it is not", async () => {
    expect((await post("pause", { timeout: 1500 })).json).toEqual({
      data: { paused: true, servers: 2 },
    });
    expect((await post("pause")).status).toBe(200);
    expect((await post("pause", {})).status).toBe(200);
    expect(api.traffic.asked).toEqual(["pause acme 1500", "pause acme 30000", "pause acme 30000"]);
    expect(actions()).toEqual(["tenant.pause", "tenant.pause", "tenant.pause"]);
  });

  test("a pause that took too long is 409, and no change to be noted", async () => {
    api.traffic.paused = false;
    const { status, json } = await post("pause", { timeout: 10 });
    expect(status).toBe(409);
    expect(json).toEqual({
      error: "2 servers did not come back in 10 ms, and servers are lent again",
    });
    expect(actions()).toEqual([]);
  });

  test("resume and drain do what they say", async () => {
    expect((await post("resume")).status).toBe(204);
    expect((await post("drain", { timeout: 5 })).json).toEqual({
      data: { clients: 3, servers: 2 },
    });
    expect(api.traffic.asked).toEqual(["resume acme", "drain acme 5"]);
    expect(actions()).toEqual(["tenant.resume", "tenant.drain"]);
  });

  test.each([
    [{ timeout: 0 }, "timeout"],
    [{ timeout: 240_001 }, "timeout"],
    [{ timeout: "30s" }, "timeout"],
    [{ timeout: 1.5 }, "timeout"],
    [{ timeout: null }, "timeout"],
    [{ seconds: 5 }, "seconds"],
    [[], ""],
  ])("refuse %j", async (body, field) => {
    for (const verb of ["pause", "drain"]) {
      // oxlint-disable-next-line no-await-in-loop -- one verb after the other
      const { status, json } = await post(verb, JSON.stringify(body));
      expect(status).toBe(422);
      expect(Object.keys(Reflect.get(json ?? {}, "errors"))).toEqual([field]);
    }
    expect(api.traffic.asked).toEqual([]);
  });
});

describe("/api/tenants/:id/network_bans", () => {
  const path = "/api/tenants/acme/network_bans";

  beforeEach(() => {
    api.traffic.bans = [
      { address: "192.0.2.1", bannedUntilMs: 1_780_000_000_001 },
      { address: "2001:db8::1", bannedUntilMs: 1_780_000_000_000 },
    ];
  });

  test("lists addresses, each kind by itself, with Unix times in seconds", async () => {
    expect((await api.request(path)).json).toEqual({
      banned_ipv4_addresses: [{ banned_address: "192.0.2.1", banned_until: 1_780_000_001 }],
      banned_ipv6_addresses: [{ banned_address: "2001:db8::1", banned_until: 1_780_000_000 }],
    });
  });

  test("lifts those that are named, and lists what is left", async () => {
    const lifted = await api.request(path, {
      method: "DELETE",
      body: { ipv4_addresses: ["192.0.2.1"] },
    });
    expect(lifted.status).toBe(200);
    expect(lifted.json).toMatchObject({
      banned_ipv4_addresses: [],
      banned_ipv6_addresses: [{ banned_address: "2001:db8::1" }],
    });
    expect(api.audited.at(-1)).toMatchObject({
      action: "tenant.lift_address_bans",
      subject: "acme",
      changes: [{ field: "address_bans", before: "192.0.2.1", after: null }],
    });
  });

  test.each([
    { ipv4_addresses: ["2001:db8::1"] },
    { ipv6_addresses: ["192.0.2.1"] },
    { ipv4_addresses: ["192.0.2.0/24"] },
    { ipv4_addresses: "192.0.2.1" },
    { addresses: [] },
  ])("refuses %j", async (body) => {
    expect((await api.request(path, { method: "DELETE", body })).status).toBe(422);
    expect(api.traffic.bans).toHaveLength(2);
  });

  test("refuses a body that is missing", async () => {
    expect((await api.request(path, { method: "DELETE" })).status).toBe(422);
  });
});

test.each([
  ["GET", "state"],
  ["GET", "terminate"],
  ["POST", "terminate"],
  ["POST", "pause"],
  ["POST", "resume"],
  ["POST", "drain"],
  ["GET", "network_bans"],
])("%s /api/tenants/:id/%s of a tenant that does not exist is 404", async (method, verb) => {
  const { status, json } = await api.request(`/api/tenants/nobody/${verb}`, { method });
  expect([status, json]).toEqual([404, { error: "not found" }]);
  expect(api.traffic.asked).toEqual([]);
});

describe("clusters", () => {
  test("are made, changed, listed and deleted", async () => {
    const member = { type: "read", active: true, tenant_external_id: "acme" };
    await api.store.write([{ kind: "put", tenant: tenant("acme") }]);
    expect((await api.request("/api/clusters/eu")).status).toBe(404);
    expect(
      (await putCluster({ cluster: { cluster_tenants: [{ ...member, tenant_external_id: "x" }] } }))
        .status,
    ).toBe(422);
    const made = await putCluster({ cluster: { active: true } });
    expect([made.status, made.headers.get("location")]).toEqual([201, "/api/clusters/eu"]);
    expect(
      (await putCluster({ cluster: { active: false, cluster_tenants: [member] } })).status,
    ).toBe(200);
    expect((await api.request("/api/clusters?limit=1")).json).toMatchObject({
      data: [{ alias: "eu", active: false, cluster_tenants: [member] }],
      next: null,
    });
    expect((await api.request("/api/clusters/eu", { method: "DELETE" })).status).toBe(204);
    expect((await api.request("/api/clusters/eu", { method: "DELETE" })).status).toBe(404);
  });

  test.each([
    [{ active: true }, 400],
    [{ cluster: { active: 1 } }, 422],
    [{ cluster: null }, 422],
  ])("refuse %j with %d", async (body, status) => {
    expect((await putCluster(body)).status).toBe(status);
  });
});
