import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import type { Operation } from "./support/api-contract.ts";
import { asJson, child } from "./support/api-contract.ts";
import { ACME, ApiStand } from "./support/api-stand.ts";
import { brokenValue, type Resolve, validValue } from "./support/schema-arbitrary.ts";

/** The password of every user of every tenant. No answer and no line of the log may have it. */
const SECRET = "hunter2-of-the-fuzzer";
const RUNS = 60;

let api: ApiStand;
let resolve: Resolve;

beforeEach(async () => {
  api = await ApiStand.open();
  const document = asJson((await api.stranger("/api/openapi")).json);
  resolve = (reference) =>
    reference
      .slice(2)
      .split("/")
      .reduce((found, step) => child(found, step), document);
  const users = [{ db_user: "app", db_password: SECRET }];
  await api.request("/api/tenants/acme", { method: "PUT", body: { tenant: { ...ACME, users } } });
});
afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

const names = fc.oneof(
  fc.constantFrom("acme", "beta", "eu"),
  fc.constantFrom(
    "..",
    "%2e%2e",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "%",
    "%zz",
    "%ff",
    "a%2fb",
    "a;b",
    "__proto__",
    "constructor",
    "%F0%9F%98%80",
    "-",
    "*",
    ":id",
    "{id}",
    "x".repeat(10_000),
  ),
  fc.string({ unit: "binary", maxLength: 80 }).map(encodeURIComponentSafely),
);

const queries = fc.oneof(
  fc.constant(""),
  fc
    .array(
      fc.tuple(
        fc.constantFrom("after", "limit", "search", "banned", "x", "__proto__"),
        fc.oneof(
          fc.constantFrom("", "0", "5", "1001", "1e3", "-1", "true", "null", "%00", "%ff", "a,b"),
          fc.string({ unit: "binary", maxLength: 30 }).map(encodeURIComponentSafely),
        ),
      ),
      { maxLength: 4 },
    )
    .map((pairs) => `?${pairs.map(([name, value]) => `${name}=${value}`).join("&")}`),
);

const headerText = fc
  .string({ minLength: 1, maxLength: 60 })
  .filter((text) => /^[!-~]*$/.test(text));
const headers = fc.oneof(
  fc.constant({}),
  fc.record(
    {
      "content-type": fc.oneof(
        fc.constantFrom(
          "application/json",
          "text/plain",
          "multipart/form-data",
          "application/json;x",
        ),
        headerText,
      ),
      accept: headerText,
      "content-length": fc.constantFrom("0", "-1", "1e9", "x", "999999999999"),
      "transfer-encoding": headerText,
      "content-encoding": fc.constantFrom("gzip", "br", "identity", "x"),
      "x-http-method-override": fc.constantFrom("DELETE", "PUT"),
      "x-forwarded-for": headerText,
      host: headerText,
      cookie: headerText,
    },
    { requiredKeys: [] },
  ),
);

function encodeURIComponentSafely(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** A body for the operation: right, nearly right, or nothing like it. */
function bodies(operation: Operation): fc.Arbitrary<string | undefined> {
  const text = fc.oneof(
    fc.constant(undefined),
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify(value)),
  );
  const { body } = operation;
  if (body === null) return text;
  const json = fc.oneof(
    validValue(body, resolve, SECRET),
    brokenValue(body, resolve, SECRET),
    brokenValue(body, resolve, SECRET),
  );
  return fc.oneof(text, json.map(stringify), json.map(stringify), json.map(stringify));
}

function stringify(value: unknown): string | undefined {
  return value === undefined ? undefined : JSON.stringify(value);
}

function noSecretAnywhere(text: string): void {
  expect(text).not.toContain(SECRET);
  expect(api.lines.join("\n") + JSON.stringify(api.audited)).not.toContain(SECRET);
  expect(api.lines.filter((line) => line.includes("incident"))).toEqual([]);
  api.lines.length = 0;
  api.audited.length = 0;
}

/** Sends requests of every kind to one operation. The stand holds each answer against the document. */
async function fuzz(operation: Operation): Promise<Map<number, number>> {
  const statuses = new Map<number, number>();
  const requests = fc.record({ name: names, query: queries, headers, body: bodies(operation) });
  await fc.assert(
    fc.asyncProperty(requests, async ({ name, query, headers: sent, body }) => {
      const path = operation.path.replaceAll(/\{\w+\}/g, () => name) + query;
      const isRead = operation.method === "GET";
      const asked = { method: operation.method, headers: sent, body: isRead ? undefined : body };
      const { status, text } = await api.request(path, asked);
      expect(status).toBeLessThan(500);
      noSecretAnywhere(text);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }),
    { numRuns: RUNS },
  );
  return statuses;
}

describe("whatever is sent to the API", () => {
  test("no operation fails, tells a secret, or answers what its document does not have", async () => {
    const { operations } = api.contract;
    expect(operations.length).toBeGreaterThan(15);
    const statuses = new Set<number>();
    // oxlint-disable-next-line no-await-in-loop -- they share a store
    for (const operation of operations)
      for (const status of (await fuzz(operation)).keys()) statuses.add(status);
    for (const status of [200, 204, 400, 404, 415, 422]) expect(statuses).toContain(status);
  }, 60_000);

  test("a right tenant is taken or refused by its fields, and shown without its passwords", async () => {
    const operation = api.contract.find("PUT", "/api/tenants/acme");
    if (operation?.body === null || operation === null) throw new Error("no such operation");
    await fc.assert(
      fc.asyncProperty(validValue(operation.body, resolve, SECRET), async (body) => {
        const { status, text } = await api.request("/api/tenants/fuzzed", { method: "PUT", body });
        expect([200, 201, 409, 422]).toContain(status);
        noSecretAnywhere(text);
        const { text: shown } = await api.request("/api/tenants/fuzzed");
        noSecretAnywhere(shown);
      }),
      { numRuns: 100 },
    );
  }, 60_000);

  test("a stranger gets in nowhere, whatever the token", async () => {
    const guarded = api.contract.operations.filter(({ responses }) => "401" in responses);
    const tokens = fc.oneof(
      fc.string({ maxLength: 100 }),
      fc
        .tuple(fc.base64String(), fc.base64String(), fc.base64String())
        .map((parts) => parts.join(".")),
      fc.json().map((json) => `${Buffer.from(json).toString("base64url")}.e30.AA`),
      fc.constantFrom("eyJhbGciOiJub25lIn0.e30.", "null", "undefined", "%00", "a.b.c"),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...guarded), tokens, async (operation, token) => {
        const path = operation.path.replaceAll(/\{\w+\}/g, "acme");
        const authorization = `Bearer ${token}`.replaceAll(/[^ -~]/g, "");
        const asked = { method: operation.method, headers: { authorization } };
        const { status, text } = await api.stranger(path, asked);
        expect([401, 429]).toContain(status);
        noSecretAnywhere(text);
        expect(api.traffic.asked).toEqual([]);
      }),
      { numRuns: 300 },
    );
    expect((await api.request("/api/tenants/acme")).status).toBe(200);
  }, 60_000);
});
