import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { ACME, ApiStand, makeToken, PASSWORD } from "./support/api-stand.ts";

let api: ApiStand;

beforeEach(async () => {
  api = await ApiStand.open();
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

function put(body: unknown, headers: Record<string, string> = {}) {
  return api.request("/api/tenants/acme", { method: "PUT", body, headers });
}

describe("who may ask", () => {
  test.each([
    ["no header", {}],
    ["another scheme", { Authorization: "Basic b3BzOm9wcw==" }],
    ["no token", { Authorization: "Bearer" }],
    ["an empty one", { Authorization: "Bearer  " }],
  ])("not who shows %s: 401, with how to do it", async (_, headers) => {
    const { status, json, headers: answered } = await api.stranger("/api/tenants", { headers });
    expect(status).toBe(401);
    expect(answered.get("www-authenticate")).toBe('Bearer realm="carpool"');
    expect(JSON.stringify(json)).toContain("carpool token");
  });

  test("not who shows a bad one: 401, with why", async () => {
    const token = await makeToken({ exp: 1 });
    const { status, json, headers } = await api.stranger("/api/tenants", bearer(token));
    expect([status, json]).toEqual([401, { error: "the token has expired" }]);
    expect(headers.get("www-authenticate")).toBe(
      'Bearer realm="carpool", error="invalid_token", error_description="the token has expired"',
    );
  });

  test("not whose good one is blocked, or lacks a claim: 403", async () => {
    const token = await makeToken({ sub: "ops" });
    api.tokens = { ...api.tokens, blocklist: [token] };
    expect((await api.stranger("/api/tenants", bearer(token))).status).toBe(403);
    api.tokens = { ...api.tokens, blocklist: [], claims: { role: "admin" } };
    const lacking = await api.stranger("/api/tenants", bearer(token));
    expect([lacking.status, lacking.headers.get("www-authenticate")]).toEqual([403, null]);
    const fitting = await makeToken({ sub: "ops", role: "admin" });
    expect((await api.stranger("/api/tenants", bearer(fitting))).status).toBe(200);
  });

  test("nobody while there is no key: 503, with what to set, and never open", async () => {
    api.tokens = { ...api.tokens, secret: null };
    for (const path of ["/api/tenants", "/api/tenants/acme", "/api/clusters"]) {
      // oxlint-disable-next-line no-await-in-loop -- one path after the other
      const { status, json } = await api.request(path);
      expect(status).toBe(503);
      expect(JSON.stringify(json)).toContain("API_JWT_SECRET");
    }
    expect((await api.stranger("/api/tenants")).status).toBe(401);
  });

  test("who shows one in small letters, with white space in it, or URL-encoded", async () => {
    const token = await makeToken({ sub: "ops" });
    const broken = `${token.slice(0, 20)} \t${token.slice(20)}`;
    for (const header of [
      `bearer ${token}`,
      `BEARER   ${broken}`,
      `Bearer ${token.replaceAll(".", "%2E")}%0A`,
    ]) {
      // oxlint-disable-next-line no-await-in-loop -- one form after the other
      const { status } = await api.stranger("/api/tenants", { headers: { Authorization: header } });
      expect([header, status]).toEqual([header, 200]);
    }
  });

  test("for every route but health, the document and its page", async () => {
    for (const { method, path } of api.contract.operations) {
      // oxlint-disable-next-line no-await-in-loop -- one operation after the other
      const { status } = await api.stranger(path.replaceAll(/\{\w+\}/g, "acme"), { method });
      expect([path, status]).toEqual([path, path.startsWith("/api/health") ? 204 : 401]);
      api.clock.advance(10_000);
    }
  });

  test("is asked before the body is read", async () => {
    const { status } = await api.stranger("/api/tenants/acme", { method: "PUT", body: "{" });
    expect(status).toBe(401);
  });

  test("is in no line of the log with the token", async () => {
    const token = await makeToken({ exp: 1 });
    await api.stranger("/api/tenants", bearer(token));
    await api.request("/api/tenants");
    expect(api.lines.join("")).not.toContain(token.slice(0, 30));
  });
});

describe("how often", () => {
  test("an address may fail twenty times, and a good token of the same address passes", async () => {
    const failed = await Promise.all(
      Array.from({ length: 21 }, () => api.stranger("/api/tenants", bearer("x"))),
    );
    expect(failed.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
      ...Array<number>(20).fill(401),
      429,
    ]);
    const slowed = failed.find(({ status }) => status === 429);
    expect(slowed?.headers.get("retry-after")).toBe("2");
    expect((await api.request("/api/tenants")).status).toBe(200);
    const elsewhere = await api.stranger("/api/tenants", { ...bearer("x"), address: "192.0.2.8" });
    expect(elsewhere.status).toBe(401);
    api.clock.advance(2000);
    expect((await api.stranger("/api/tenants", bearer("x"))).status).toBe(401);
  });

  test("a token's subject may ask API_RATE_LIMIT times a second, wherever from", async () => {
    api.requestsPerSecond = 3;
    const addresses = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"];
    const asked = addresses.map((address) => api.request("/api/tenants", { address }));
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 200, 200, 429]);
    const other = bearer(await makeToken({ sub: "another" }));
    expect((await api.stranger("/api/tenants", { ...other, address: null })).status).toBe(200);
  });

  test("an address may ask so often too, but for health", async () => {
    api.requestsPerSecond = 2;
    const ask = async (path: string) => (await api.stranger(path)).status;
    expect([await ask("/api/openapi"), await ask("/x"), await ask("/swaggerui")]).toEqual([
      200, 404, 429,
    ]);
    expect(await ask("/api/health")).toBe(204);
    api.clock.advance(500);
    expect(await ask("/swaggerui")).toBe(200);
  });

  test.each([
    ["2001:db8::1", "2001:db8::ffff:0:0:2", 429],
    ["2001:db8:0:0:1::", "2001:db8::9", 429],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", 429],
    ["2001:db8::1", "2001:db8:0:1::1", 404],
    ["::1", "192.0.2.1", 404],
  ])("%s and %s are of one network or not", async (one, other, status) => {
    api.requestsPerSecond = 1;
    expect((await api.stranger("/x", { address: one })).status).toBe(404);
    expect((await api.stranger("/x", { address: other })).status).toBe(status);
  });

  test("anybody may ask where there is no limit", async () => {
    const answers = await Promise.all(Array.from({ length: 500 }, () => api.request("/x")));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]));
  });
});

describe("a body", () => {
  test.each(["", "{", "nul", "{'a': 1}", '{"a": 1}}', "\u0000", '{"tenant": undefined}'])(
    "that is no JSON is 400, and is not repeated: %j",
    async (body) => {
      const { status, text } = await put(`${body}${PASSWORD}`);
      expect(status).toBe(400);
      expect(text).not.toContain(PASSWORD);
    },
  );

  test("that is not there is 400 where one is needed", async () => {
    expect((await put(undefined)).status).toBe(400);
  });

  test.each(["[", '{"a":', '[{"a":'])("nested without end is 400: %s…", async (step) => {
    expect((await put(step.repeat(100_000))).status).toBe(400);
    expect(
      (await put(`{"tenant": {"feature_flags": ${'{"a":'.repeat(40)}1${"}".repeat(42)}`)).status,
    ).toBe(400);
  });

  test("may have brackets in its texts", async () => {
    const flags = { feature_flags: { "[[[{{{": `${"[".repeat(100)}"\\${"{".repeat(100)}` } };
    expect((await put({ tenant: { ...ACME, ...flags } })).status).toBe(201);
  });

  test.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "text/json",
    "application/jsonx",
  ])("of another type is 415: %s", async (type) => {
    expect((await put({ tenant: ACME }, { "content-type": type })).status).toBe(415);
  });

  test.each([
    "application/json",
    "application/json; charset=utf-8",
    "Application/JSON ;charset=UTF-8",
    "application/merge-patch+json",
  ])("may be of type %s", async (type) => {
    expect((await put({ tenant: ACME }, { "content-type": type })).status).toBe(201);
  });

  test("of exactly the limit passes, one byte more is 413", async () => {
    const body = JSON.stringify({ tenant: ACME });
    api.requestBytesMax = body.length;
    expect((await put(body)).status).toBe(201);
    const { status, json } = await put(`${body} `);
    expect(status).toBe(413);
    expect(json).toEqual({ error: `the body has more than ${body.length} bytes` });
  });

  test("of a few fields is 413 beyond 256 kB, whatever the limit", async () => {
    const body = JSON.stringify({ banned: true, ban_reason: "x".repeat(256 * 1024) });
    const answers = await Promise.all([
      api.request("/api/tenants/acme", { method: "PATCH", body }),
      api.request("/api/tenants/acme/pause", { method: "POST", body }),
      api.request("/api/clusters/eu", { method: "PUT", body }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([413, 413, 413]);
  });

  test("is counted as it comes where it does not say its length", async () => {
    api.requestBytesMax = 1000;
    const chunk = new TextEncoder().encode("x".repeat(600));
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(chunk);
      },
    });
    const headers = { authorization: `Bearer ${await makeToken({})}` };
    const request = new Request("http://carpool.test/api/tenants/acme", {
      method: "PUT",
      body,
      headers,
    });
    expect((await api.app.fetch(request, { clientAddress: null })).status).toBe(413);
  });

  test("that breaks off is 400", async () => {
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.error(new Error("the client is gone"));
      },
    });
    const headers = { authorization: `Bearer ${await makeToken({})}` };
    const request = new Request("http://carpool.test/api/tenants/acme", {
      method: "PUT",
      body,
      headers,
    });
    expect((await api.app.fetch(request, { clientAddress: null })).status).toBe(400);
  });

  test("that is not UTF-8 is 400", async () => {
    const headers = {
      authorization: `Bearer ${await makeToken({})}`,
      "content-type": "application/json",
    };
    const body = new Uint8Array([0x22, 0xff, 0x22]);
    const request = new Request("http://carpool.test/api/tenants/acme", {
      method: "PUT",
      body,
      headers,
    });
    expect((await api.app.fetch(request, { clientAddress: null })).status).toBe(400);
  });
});

describe("a path", () => {
  test.each([
    "/",
    "/api",
    "/api/",
    "/api/tenants/a/b/c",
    "/api/tenant",
    "/metrics",
    "/api/openapi/x",
    "/favicon.ico",
  ])("that is none is 404, as JSON: %s", async (path) => {
    const { status, json } = await api.request(path);
    expect([status, json]).toEqual([404, { error: "not found" }]);
  });

  test.each([
    ["POST", "/api/tenants/acme", "GET, HEAD, PUT, PATCH, DELETE"],
    ["PUT", "/api/tenants", "GET, HEAD"],
    ["GET", "/api/tenants/acme/pause", "POST"],
    ["POST", "/api/health", "GET, HEAD"],
    ["OPTIONS", "/api/openapi", "GET, HEAD"],
  ])("with another method is 405, with those there are: %s %s", async (method, path, allow) => {
    const { status, headers } = await api.request(path, { method });
    expect([status, headers.get("allow")]).toEqual([405, allow]);
  });

  test("has its answer kept by nobody on the way, but for the page's files", async () => {
    for (const path of ["/api/tenants", "/api/health", "/x", "/api/openapi"]) {
      // oxlint-disable-next-line no-await-in-loop -- one path after the other
      const { headers } = await api.request(path);
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
  });
});

describe("GET /api/health", () => {
  test("is 204 while clients can be served", async () => {
    expect((await api.stranger("/api/health")).status).toBe(204);
    expect((await api.stranger("/api/health/live")).status).toBe(204);
  });

  test("is 503 with the reason while they can't, and the process lives all the same", async () => {
    api.notReady = {
      reason: "the tenant store does not answer",
      failedChecks: ["database_reachable"],
    };
    const { status, json } = await api.stranger("/api/health");
    expect(status).toBe(503);
    expect(json).toEqual({
      status: "unavailable",
      reason: "the tenant store does not answer",
      failed_checks: ["database_reachable"],
      timestamp: "2026-06-01T00:00:00.000Z",
    });
    expect((await api.stranger("/api/health/live")).status).toBe(204);
  });
});

describe("a mistake of ours", () => {
  test("is 500 with a number, by which the log has the rest", async () => {
    Object.assign(api.traffic, { state: () => Promise.reject(new Error("deep inside")) });
    await put({ tenant: ACME });
    const { status, json, text } = await api.request("/api/tenants/acme/state");
    expect(status).toBe(500);
    expect(text).not.toContain("deep inside");
    const incident = String(Reflect.get(json ?? {}, "incident"));
    expect(incident).toMatch(/^[0-9a-f]{16}$/);
    const line = api.lines.find((one) => one.includes(incident)) ?? "";
    expect(line).toContain("deep inside");
    expect(line).toContain("/api/tenants/:id/state");
  });
});
