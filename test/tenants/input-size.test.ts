import { describe, expect, test } from "bun:test";
import { formatFieldProblem } from "../../src/tenants/field-problem.ts";
import { validateTenant } from "../../src/tenants/validate-tenant.ts";
import { TLS_FIXTURES } from "../support/tls-fixtures.ts";

const ACME = {
  external_id: "acme",
  db_host: "db.example.com",
  db_port: 5432,
  db_database: "postgres",
  users: [{ db_user: "app", db_password: "secret" }],
};

/** What is wrong with the tenant that has these fields beside. Of what is not bounded, this would never end. */
function problemsOf(fields: object): readonly string[] {
  const checked = validateTenant({ ...ACME, ...fields }, { globalUpstreamCa: true });
  return checked.ok ? [] : checked.problems.map(formatFieldProblem);
}

function entries(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`key${index}`, 1]));
}

const url = (length: number) => `https://id.example.com/${"x".repeat(length - 23)}`;
const user = (index: number) => ({ db_user: `u${index}`, db_password: "secret" });

describe("a tenant of a size that nobody means", () => {
  test.each([
    ["fields", entries(200_000), "must have at most 200 fields"],
    ["users", { users: Array(2_000_000).fill(1) }, "users must have at most 10000 users"],
    ["fields of a user", { users: [entries(200_000)] }, "users[0] must have at most 200 fields"],
    [
      "ranges",
      { allow_list: Array(2_000_000).fill("x") },
      "allow_list must have at most 1000 ranges",
    ],
    ["flags", { feature_flags: entries(200_000) }, "feature_flags must have at most 200 entries"],
    [
      "parameters",
      { default_parameter_status: entries(201) },
      "default_parameter_status must have at most 200 entries",
    ],
  ])("is refused without a look at its %s", (_, fields, problem) => {
    expect(problemsOf(fields)).toEqual([problem]);
  });

  test("is told some of its mistakes, not all", () => {
    const users = Array.from({ length: 10_000 }, () => entries(100));
    const problems = problemsOf({ users });
    expect(problems.length).toBeGreaterThanOrEqual(1000);
    expect(problems.length).toBeLessThan(1200);
  });

  test("has the names of its unknown fields cut", () => {
    const [problem = ""] = problemsOf({ ["x".repeat(5_000_000)]: 1 });
    expect(problem).toBe(`${"x".repeat(80)}… is not a known field`);
  });

  test.each([
    ["begin and never end", "-----BEGIN CERTIFICATE-----\n".repeat(100_000)],
    ["are nothing but ends", "-----END CERTIFICATE-----\n".repeat(100_000)],
  ])("is refused at once for certificates that %s", (_, upstream_tls_ca) => {
    const verified = { upstream_ssl: true, upstream_verify: "full" };
    for (const text of [upstream_tls_ca, upstream_tls_ca.slice(0, 500_000)]) {
      const [problem = ""] = problemsOf({ ...verified, upstream_tls_ca: text });
      expect(problem).toStartWith("upstream_tls_ca must be one or more X.509 certificates");
    }
  });

  test("is refused for a URL of more than 2048 characters", () => {
    expect(problemsOf({ jit_api_url: url(2048) })).toEqual([]);
    expect(problemsOf({ jit_api_url: url(2049) })).toHaveLength(1);
  });
});

describe("a tenant of the largest size", () => {
  test("is taken: 10 000 users, 1000 ranges", () => {
    const users = Array.from({ length: 10_000 }, (_, index) => user(index));
    const allow_list = Array<string>(1000).fill("10.0.0.0/8");
    expect(problemsOf({ users, allow_list })).toEqual([]);
  });

  test("may have many certificates, with remarks before, between and behind them", async () => {
    const certificate = await Bun.file(TLS_FIXTURES.ca).text();
    const upstream_tls_ca = `# ours\n${`${certificate}\n# next\n`.repeat(100)}`;
    expect(upstream_tls_ca.length).toBeGreaterThan(50_000);
    const verified = { upstream_ssl: true, upstream_verify: "full" };
    expect(problemsOf({ ...verified, upstream_tls_ca })).toEqual([]);
    const cut = upstream_tls_ca.slice(0, upstream_tls_ca.lastIndexOf("-----END"));
    expect(problemsOf({ ...verified, upstream_tls_ca: cut })).toHaveLength(1);
  });
});
