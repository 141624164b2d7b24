import { describe, expect, test } from "bun:test";
import { formatFileProblem, readTenantFile } from "../../src/control/tenant-file.ts";

function problems(text: string): string[] {
  const result = readTenantFile(text, "t.yaml", { globalUpstreamCa: false });
  return result.ok ? [] : result.problems.map(formatFileProblem);
}

const HEAD = "db_host: h, db_port: 1, db_database: d";

describe("a file of tenants", () => {
  test("is read with anchors and merges", () => {
    const text = `
defaults: &defaults { db_host: h, db_port: 1, db_database: d }
tenants:
  - { <<: *defaults, external_id: a }
  - { <<: *defaults, external_id: b, db_port: 2 }
`;
    const result = readTenantFile(text, "t.yaml", { globalUpstreamCa: false });
    expect(result.ok && result.tenants.map((tenant) => tenant.db_port)).toEqual([1, 2]);
  });

  test("names line, tenant, field and value of each mistake", () => {
    const text = `
- external_id: acme
  db_host: db.example.com
  db_port: 0
  db_database: postgres
  users:
    - db_user: app
      db_password: x
    - db_user: web
      db_pasword: hunter2
- db_host: h
  db_port: 1
  db_database: d
  allow_list:
    - ::/0
    - 10.0.0.1
`;
    expect(problems(text)).toEqual([
      "t.yaml:4: tenant acme: db_port must be a whole number from 1 to 65535, not 0",
      "t.yaml:10: tenant acme: users[1].db_pasword is not a known field: did you mean db_password?",
      "t.yaml:11: tenant #2: external_id is required",
      expect.stringMatching(
        /^t\.yaml:16: tenant #2: allow_list\[1\] must be a range .*, not "10\.0\.0\.1"$/,
      ),
    ]);
  });

  test("names the line of the tenant where the mistake was merged in from elsewhere", () => {
    const text = `
defaults: &defaults { db_host: h, db_port: 0, db_database: d }
tenants:
  - <<: *defaults
    external_id: a
`;
    expect(problems(text)).toEqual([
      "t.yaml:4: tenant a: db_port must be a whole number from 1 to 65535, not 0",
    ]);
  });

  test("has line numbers in JSON too", () => {
    expect(problems('{\n "tenants": [\n  7\n ]\n}')).toEqual([
      "t.yaml:3: tenant #1: must be a map of fields",
    ]);
  });

  test("has each tenant once, and each host name", () => {
    const text = `
- { external_id: a, sni_hostname: x.com, ${HEAD} }
- { external_id: b, sni_hostname: X.com, ${HEAD} }
- { external_id: a, ${HEAD} }
`;
    expect(problems(text)).toEqual([
      't.yaml:4: tenant a: external_id must be in the file once, not "a"',
      't.yaml:3: tenant b: sni_hostname must be in the file once, not "x.com"',
    ]);
  });

  test("names a tenant that is no name without breaking the line", () => {
    const [problem] = problems(`- { external_id: "a\\nb", ${HEAD} }`);
    expect(problem).toStartWith('t.yaml:1: tenant "a\\nb": external_id must be');
  });
});

describe("what is no file of tenants is refused", () => {
  test.each(["", "# nothing\n", "acme", "7", "tenant: []", "tenants: {}", "tenants:\n"])(
    "%j",
    (text) => {
      expect(problems(text)).toEqual([
        "t.yaml: must hold a list of tenants, or a map with that list under tenants",
      ]);
    },
  );

  test.each([
    ["- a: 1\n a: [", 2],
    ["- { a: 1, a: 2 }", 1],
    ["- 'x", 1],
    ["- a\n---\n- b", 2],
  ])("%j: the line is named", (text, line) => {
    expect(problems(text)[0]).toStartWith(`t.yaml:${line}: `);
  });

  test("with an alias that has no anchor", () => {
    expect(problems("- *nobody")[0]).toContain("nobody");
  });

  test("with aliases that would fill the memory", () => {
    const rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let row = 1; row < 12; row += 1)
      rows.push(
        `a${row}: &a${row} [${Array(10)
          .fill(`*a${row - 1}`)
          .join(", ")}]`,
      );
    const text = `${rows.join("\n")}\ntenants: [*a11]\n`;
    expect(problems(text)).toEqual([expect.stringContaining("cannot be read")]);
  });
});
