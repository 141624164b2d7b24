import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { asJson, child } from "./support/api-contract.ts";
import { ACME, ApiStand } from "./support/api-stand.ts";

let api: ApiStand;

beforeEach(async () => {
  api = await ApiStand.open();
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

const ROUTES = [
  "DELETE /api/clusters/{alias}",
  "DELETE /api/tenants/{id}",
  "DELETE /api/tenants/{id}/network_bans",
  "GET /api/clusters",
  "GET /api/clusters/{alias}",
  "GET /api/health",
  "GET /api/health/live",
  "GET /api/tenants",
  "GET /api/tenants/{id}",
  "GET /api/tenants/{id}/network_bans",
  "GET /api/tenants/{id}/state",
  "GET /api/tenants/{id}/terminate",
  "PATCH /api/tenants/{id}",
  "POST /api/tenants/{id}/drain",
  "POST /api/tenants/{id}/pause",
  "POST /api/tenants/{id}/resume",
  "POST /api/tenants/{id}/terminate",
  "POST /api/tenants/{id}/update_auth_credentials",
  "PUT /api/clusters/{alias}",
  "PUT /api/tenants/{id}",
];

describe("the OpenAPI document", () => {
  test("has every route of the app, and the app every route of it", () => {
    const documented = api.contract.operations.map(({ method, path }) => `${method} ${path}`);
    expect(documented.toSorted()).toEqual(ROUTES);
    const routed = api.app.routes
      .filter(({ method, path }) => method !== "ALL" && path.startsWith("/api/"))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`)
      .filter((route) => route !== "GET /api/openapi");
    expect([...new Set(routed)].toSorted()).toEqual(ROUTES);
  });

  test("is for everybody, of version 3.1, and names every operation once", async () => {
    const { status, json } = await api.stranger("/api/openapi");
    expect(status).toBe(200);
    expect(asJson(json)["openapi"]).toBe("3.1.0");
    const ids = api.contract.operations.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("asks for a token on every route but those for health", () => {
    const open = api.contract.operations.filter((operation) => !("401" in operation.responses));
    expect(open.map(({ path }) => path).toSorted()).toEqual(["/api/health", "/api/health/live"]);
  });

  test("describes every field of a tenant, and has no password in an answer", async () => {
    const schemas = child(
      child(asJson((await api.stranger("/api/openapi")).json), "components"),
      "schemas",
    );
    for (const name of ["Tenant", "User", "TenantInput", "UserInput"]) {
      const properties = child(asJson(schemas[name]), "properties");
      for (const [field, schema] of Object.entries(properties))
        if (field !== "feature_flags")
          expect([field, typeof asJson(schema)["description"]]).toEqual([field, "string"]);
    }
    expect(JSON.stringify([schemas["Tenant"], schemas["User"]])).not.toContain('"db_password');
    expect(JSON.stringify(schemas["UserInput"])).toContain('"db_password"');
  });

  test("allows what the API takes, and not what it refuses", async () => {
    const operation = api.contract.find("PUT", "/api/tenants/acme");
    if (operation === null) throw new Error("no such operation");
    const bodies = [
      { tenant: ACME },
      { tenant: { ...ACME, db_port: "5432" } },
      { tenant: { ...ACME, unknown: 1 } },
      { tenant: { ...ACME, ip_version: "v5" } },
      { tenant: { ...ACME, users: [{ db_user: 5 }] } },
      { tenant: { ...ACME, default_pool_size: 0 } },
      {},
    ];
    for (const [index, body] of bodies.entries()) {
      // oxlint-disable-next-line no-await-in-loop -- a name each
      const { status } = await api.request(`/api/tenants/t${index}`, { method: "PUT", body });
      expect([index, api.contract.allows(operation, body)]).toEqual([index, status < 300]);
    }
  });
});

describe("docs/api.md", () => {
  test("has every route, and every status that one answers", async () => {
    const page = await Bun.file(new URL("../../docs/api.md", import.meta.url)).text();
    const rows = page.split("\n").filter((line) => line.startsWith("| `"));
    for (const { method, path } of api.contract.operations)
      expect(rows.filter((line) => line.startsWith(`| \`${method} ${path}\` |`))).toHaveLength(1);
    const statuses = new Set(
      api.contract.operations.flatMap(({ responses }) => Object.keys(responses)),
    );
    for (const status of statuses) expect(page).toContain(status);
  });
});

describe("the check against the document", () => {
  const headers = new Headers({ "content-type": "application/json" });

  test.each([
    ["a status that is not in it", 418, "{}"],
    ["a body that is not in it", 404, '{"error": 5}'],
    ["a field that is not in it", 404, '{"error": "not found", "db_password": "x"}'],
    ["a field too few", 200, '{"data": {"external_id": "acme"}}'],
    ["a header too few", 429, '{"error": "too many"}'],
  ])("notices %s", (_, status, text) => {
    const operation = api.contract.find("GET", "/api/tenants/acme");
    if (operation === null) throw new Error("no such operation");
    expect(() => api.contract.check(operation, { status, headers, text })).toThrow();
    const good = { status: 404, headers, text: '{"error": "not found"}' };
    expect(() => api.contract.check(operation, good)).not.toThrow();
  });
});

describe("the page to try it at", () => {
  test("needs nothing from elsewhere, and lets the browser load nothing from there", async () => {
    const page = await api.stranger("/swaggerui");
    expect(page.status).toBe(200);
    expect(page.text).not.toMatch(/(src|href)="(https?:)?\/\//);
    const policy = page.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toContain("unsafe-eval");
    expect(policy).not.toContain("http");
  });

  test("has all the files that it names", async () => {
    const { text } = await api.stranger("/swaggerui");
    const files = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path);
    expect(files).toHaveLength(5);
    const answers = await Promise.all(files.map((path) => api.stranger(`/${path}`)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    for (const { headers, text: body } of answers) {
      expect(headers.get("content-type")).toMatch(/^(text\/(css|javascript)|image\/png)/);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(body.length).toBeGreaterThan(100);
    }
  });

  test.each([
    "/swaggerui/package.json",
    "/swaggerui/..%2fpackage.json",
    "/swaggerui/index.html",
    "/swaggerui/%2e%2e/%2e%2e/package.json",
  ])("has no other file of the machine: %s", async (path) => {
    expect((await api.stranger(path)).status).toBe(404);
  });
});
