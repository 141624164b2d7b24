import { describe, expect, test } from "bun:test";
import {
  type Identification,
  type IdentificationInput,
  identifyTenant,
} from "../../src/tenants/identification.ts";

function identify(fields: Partial<IdentificationInput>): Identification {
  return identifyTenant({
    user: "app",
    optionsReference: null,
    sniHostname: null,
    database: null,
    tenantByDatabase: false,
    defaultTenant: null,
    ...fields,
  });
}

/** `user@tenant` by id, `user@kind:name` by anything else. */
function candidates(fields: Partial<IdentificationInput>): string[] {
  return identify(fields).candidates.map((one) => {
    switch (one.by) {
      case "external_id":
        return `${one.user}@${one.externalId}`;
      case "cluster":
        return `${one.user}@cluster:${one.alias}`;
      case "database":
        return `${one.user}@database:${one.externalId}`;
      case "sni_hostname":
        return `${one.user}@sni:${one.hostname}`;
      default:
        return one satisfies never;
    }
  });
}

describe("a client names its tenant", () => {
  test("by user.cluster.alias, before its last part is taken for a tenant", () => {
    expect(candidates({ user: "app.cluster.main" })).toEqual([
      "app@cluster:main",
      "app.cluster@main",
    ]);
    expect(candidates({ user: "a.cluster.b.cluster.main" })[0]).toBe("a.cluster.b@cluster:main");
    expect(candidates({ user: "app.cluster.main", optionsReference: "acme" })).toEqual([
      "app.cluster.main@acme",
    ]);
  });

  test.each(["cluster.main", ".cluster.main", "app.cluster.", "app.cluster.not/one"])(
    "but not a cluster as %s",
    (user) => {
      expect(candidates({ user }).filter((one) => one.includes("cluster:"))).toEqual([]);
    },
  );

  test("by options=reference, over everything else", () => {
    const fields = { user: "app.beta", sniHostname: "db.gamma.com", defaultTenant: "delta" };
    expect(candidates({ ...fields, optionsReference: "acme" })).toEqual(["app.beta@acme"]);
  });

  test("behind the last dot of the user name", () => {
    expect(candidates({ user: "app.acme" })).toEqual(["app@acme"]);
    expect(candidates({ user: "first.last.acme" })).toEqual(["first.last@acme"]);
    expect(candidates({ user: "..acme" })).toEqual([".@acme"]);
  });

  test("by its host name, then by the first label of that", () => {
    expect(candidates({ sniHostname: "acme.pool.example.com" })).toEqual([
      "app@sni:acme.pool.example.com",
      "app@acme",
    ]);
    expect(candidates({ sniHostname: "acme" })).toEqual(["app@sni:acme", "app@acme"]);
  });

  test("by its host name without regard to case or a last dot", () => {
    expect(candidates({ sniHostname: "Acme.Example.COM." })).toEqual([
      "app@sni:acme.example.com",
      "app@acme",
    ]);
  });

  test("not at all, where there is a default", () => {
    expect(candidates({ defaultTenant: "acme" })).toEqual(["app@acme"]);
  });

  test("by a dot first, and by default if that is no tenant", () => {
    expect(candidates({ user: "first.last", defaultTenant: "acme" })).toEqual([
      "first@last",
      "first.last@acme",
    ]);
  });

  test("by a dot, else by host name, else by default", () => {
    const fields = { user: "a.b", sniHostname: "c.com", defaultTenant: "d" };
    expect(candidates(fields)).toEqual(["a@b", "a.b@sni:c.com", "a.b@c", "a.b@d"]);
  });
});

describe("a client names no tenant", () => {
  test("if it says nothing and nothing is set", () => {
    expect(candidates({})).toEqual([]);
  });

  test.each([".acme", "app.", ".", "", "app.not a tenant", "app.-acme", `app.${"x".repeat(64)}`])(
    "with the user name %p",
    (user) => {
      expect(candidates({ user })).toEqual([]);
      expect(candidates({ user, defaultTenant: "acme" })).toEqual([`${user}@acme`]);
    },
  );

  test.each(["", ".", "10.0.0.1", "::1", "host name", "x\n.com", "x".repeat(254)])(
    "with the host name %p",
    (sniHostname) => {
      expect(candidates({ sniHostname })).toEqual([]);
    },
  );

  test("with a reference that cannot be one, whatever else it says", () => {
    const fields = { user: "app.beta", defaultTenant: "delta" };
    for (const optionsReference of ["", "a.b", "a b", "../x"])
      expect(candidates({ ...fields, optionsReference })).toEqual([]);
  });
});

describe("the database's name", () => {
  test("names the tenant where that is set, and nothing where it is not", () => {
    expect(candidates({ database: "acme", tenantByDatabase: true })).toEqual(["app@database:acme"]);
    expect(candidates({ database: "acme" })).toEqual([]);
  });

  test("is the user's where the client names no database", () => {
    expect(candidates({ tenantByDatabase: true })).toEqual(["app@database:app"]);
    expect(candidates({ user: "a.b", database: null, tenantByDatabase: true })).toEqual(["a@b"]);
  });

  test.each(["", "two words", "a.b", "-x", "x".repeat(64), "ümlaut"])(
    "is no tenant's if it is %p",
    (database) => {
      const fields = { database, tenantByDatabase: true };
      expect(candidates(fields)).toEqual([]);
      expect(candidates({ ...fields, defaultTenant: "d" })).toEqual(["app@d"]);
      expect(identify(fields).waysTried).toContain("the database's name cannot be a tenant's");
    },
  );

  test("is said in the ways that were tried only where it counts", () => {
    expect(identify({ database: "acme", tenantByDatabase: true }).waysTried).toEqual([
      "options has no reference=TENANT",
      "the user name does not end in .TENANT",
      "TLS named no server",
      "the database is acme",
      "there is no default tenant",
    ]);
    expect(identify({ database: "acme" }).waysTried).not.toContain("the database is acme");
  });
});

describe("the order of the ways, whichever of them a client uses", () => {
  const WAYS = [
    { fields: { user: "app.suffix" }, first: "app@suffix" },
    { fields: { sniHostname: "sni" }, first: "sni:sni" },
    { fields: { database: "data", tenantByDatabase: true }, first: "database:data" },
    { fields: { defaultTenant: "default" }, first: "default" },
  ] as const;

  test("is user.tenant, server name, database, default: 16 combinations", () => {
    for (let chosen = 0; chosen < 16; chosen += 1) {
      const used = WAYS.filter((_, bit) => (chosen & (1 << bit)) !== 0);
      const fields = Object.assign({}, ...used.map((way) => way.fields));
      const [winner] = used;
      if (winner === undefined) expect(candidates(fields)).toEqual([]);
      else expect(candidates(fields)[0]).toEndWith(winner.first);
    }
  });

  test("ends with a reference, before all of them", () => {
    const fields = Object.assign({}, ...WAYS.map((way) => way.fields));
    expect(candidates({ ...fields, optionsReference: "acme" })).toEqual(["app.suffix@acme"]);
  });
});

describe("the ways that were tried", () => {
  test("say what the client gave, and what it did not", () => {
    expect(identify({ user: "app.acme", sniHostname: "pool.example.com" }).waysTried).toEqual([
      "options has no reference=TENANT",
      "the user name ends in .acme",
      "TLS named the server pool.example.com",
      "there is no default tenant",
    ]);
    expect(identify({}).waysTried).toEqual([
      "options has no reference=TENANT",
      "the user name does not end in .TENANT",
      "TLS named no server",
      "there is no default tenant",
    ]);
  });

  test("are one, where a reference decides", () => {
    expect(identify({ optionsReference: "acme" }).waysTried).toEqual([
      "options has reference=acme",
    ]);
  });

  test("never name the default tenant, nor repeat what may break a log line", () => {
    const ways = identify({
      defaultTenant: "private",
      user: "a.b\nc",
      sniHostname: "x\ny",
    }).waysTried;
    expect(ways.join()).not.toMatch(/private|\n/);
    const reference = identify({ optionsReference: "x\ny" }).waysTried;
    expect(reference).toEqual(["options has a reference that cannot be a tenant's name"]);
  });
});
