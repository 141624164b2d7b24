/**
 * What the doctor finds on the way to PostgreSQL: record, ban, addresses, TCP and TLS.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { BlackHole } from "../../integration/limits/black-hole.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { TLS_FIXTURES } from "../../support/tls-fixtures.ts";
import { tenant } from "../../tenants/fixtures.ts";
import { complaints, type ExamineOptions, examine } from "./support/examine.ts";

const NET_FIXTURES = join(import.meta.dir, "../../net/fixtures");
const TRUSTED = readFileSync(TLS_FIXTURES.ca, "utf8");
const NOW = "2026-06-01T00:00:00.000Z";
const wallClock = { iso: () => NOW };
const NEAR = { db_host: "127.0.0.1", db_port: 1 };

/** What is said before the name is looked up. */
async function recordOf(fields: object, options: ExamineOptions = {}): Promise<string[]> {
  const findings = await examine({ ...NEAR, ...fields }, { wallClock, ...options });
  return complaints(findings.filter(({ check }) => check !== "TCP"));
}

describe("the record", () => {
  test("that was written under other rules is a problem for each field", async () => {
    const unchecked = { db_port: 70_000, require_user: false };
    expect(await recordOf({}, { unchecked })).toEqual([
      expect.stringContaining("record: db_port must be a whole number from 1 to 65535"),
    ]);
    expect(await recordOf({}, { unchecked: { require_user: false } })).toEqual([
      expect.stringContaining("record: auth_query is required with require_user: false"),
      expect.stringContaining("record: users must have exactly one user with is_manager"),
    ]);
  });

  test("shows no password where one is wrong", async () => {
    const [user] = tenant("acme").users;
    if (user === undefined) throw new Error("the tenant has a user");
    const users = [{ ...user, db_password: "SCRAM-SHA-256$hunter2" }];
    const findings = await recordOf({}, { unchecked: { users } });
    expect(findings.join()).toContain("record: users[0].");
    expect(findings.join()).not.toContain("hunter2");
  });
});

describe("a ban", () => {
  const ban = { banned_at: "2026-05-01T00:00:00.000Z", ban_reason: "unpaid" };

  test("is a problem, with its reason and end", async () => {
    expect(await recordOf(ban)).toEqual([
      "ban: banned since 2026-05-01T00:00:00.000Z without an end: unpaid",
    ]);
    expect(await recordOf({ ...ban, banned_until: "2026-06-02T00:00:00Z" })).toEqual([
      "ban: banned since 2026-05-01T00:00:00.000Z until 2026-06-02T00:00:00.000Z: unpaid",
    ]);
  });

  test("is lifted by the route that its advice names", async () => {
    const findings = await examine({ ...NEAR, ...ban }, { wallClock });
    const { advice } = findings.find(({ check }) => check === "ban") ?? {};
    expect(advice).toContain('PATCH /api/tenants/ID with {"banned": false}');
  });

  test("that is over is none", async () => {
    expect(await recordOf({ ...ban, banned_until: NOW })).toEqual([]);
  });
});

describe("the allow list", () => {
  test.each<[readonly string[], readonly string[]]>([
    [["0.0.0.0/0", "::/0"], []],
    [["10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32"], []],
    [[], ["allow_list: the list is empty: nobody may connect"]],
    [["0.0.0.0/0"], ["allow_list: every IPv4 address may connect, but of IPv6 only 0.0.0.0/0"]],
    [["10.1.2.3/8"], ["allow_list: 10.1.2.3/8 begins inside the range that it names"]],
    [["10.1.0.0/8"], ["allow_list: 10.1.0.0/8 begins inside the range that it names"]],
    [["2001:db8::1/32"], ["allow_list: 2001:db8::1/32 begins inside the range that it names"]],
  ])("%j has the complaints %j", async (allow_list, expected) => {
    expect(await recordOf({ allow_list })).toEqual([...expected]);
  });
});

describe("a name", () => {
  test("that nobody knows is a problem, and nothing is tried behind it", async () => {
    const findings = await examine({ db_host: "no-such-host.invalid" });
    expect(complaints(findings)).toEqual([expect.stringContaining("name resolution: no address")]);
    expect(findings.at(-1)?.check).toBe("name resolution");
  });

  test("that has no address of the wanted kind names ip_version", async () => {
    const unchecked = { ip_version: "v6" } as const;
    const findings = await examine({ db_host: "127.0.0.1" }, { unchecked });
    expect(findings.at(-1)).toMatchObject({ check: "name resolution", verdict: "problem" });
    expect(findings.at(-1)?.advice).toContain("ip_version");
  });
});

describe("a port", () => {
  test("at which nothing listens is told from one that does not answer", async () => {
    const refused = await examine(NEAR);
    expect(complaints(refused)).toEqual(["TCP: connection refused"]);
    expect(refused.at(-1)?.advice).toContain("db_port");
    using hole = await BlackHole.open();
    const silent = await examine({ ...NEAR, db_port: hole.port }, { timeoutMs: 300 });
    expect(complaints(silent)).toEqual(["TCP: connection timed out"]);
    expect(silent.at(-1)?.advice).toContain("firewall");
  });

  test.each([
    ["hangs up", "end"],
    ["answers what no PostgreSQL would", "HTTP/1.1 400 Bad Request\r\n\r\n"],
  ])("of another service, which %s, is named as such", async (_how, answer) => {
    await using service = await listen(answer);
    const findings = await examine({ ...NEAR, db_port: service.port });
    expect(findings.at(-1)).toMatchObject({ check: "TLS", verdict: "problem" });
    expect(complaints(findings)).toEqual(["TLS: not PostgreSQL"]);
  });

  test("that takes connections and never says a word costs the time of one step", async () => {
    await using service = await listen(null);
    const startMs = performance.now();
    const findings = await examine({ ...NEAR, db_port: service.port }, { timeoutMs: 200 });
    expect(findings.at(-1)).toMatchObject({ verdict: "problem" });
    expect(performance.now() - startMs).toBeLessThan(4000);
  });
});

describe("TLS", () => {
  const servers = new Map<string, TestPostgres>();
  const certificates = {
    good: TLS_FIXTURES.server,
    "self-signed": TLS_FIXTURES.selfSigned,
    "another host's": TLS_FIXTURES.wrongHost,
    expired: certificate("expired"),
    untrusted: certificate("untrusted"),
  };

  beforeAll(async () => {
    for (const [name, tls] of Object.entries(certificates)) {
      // oxlint-disable-next-line no-await-in-loop -- each takes both cores for a moment
      servers.set(name, await startPostgres({ tls }));
    }
    servers.set("plain", await startPostgres());
  });

  afterAll(async () => {
    await Promise.all(Array.from(servers.values(), (server) => server.stop()));
  });

  /** Complaints about a tenant at the server of this name. */
  async function lookAt(name: string, fields: object, options: ExamineOptions = {}) {
    const users = [{ db_user: "postgres", db_password: "postgres-password" }];
    const where = { db_host: "localhost", ip_version: "v4", db_port: servers.get(name)?.port };
    const findings = await examine({ ...where, users, default_pool_size: 5, ...fields }, options);
    return complaints(findings.filter(({ check }) => !check.startsWith("role ")));
  }

  const full = { upstream_ssl: true, upstream_verify: "full", upstream_tls_ca: TRUSTED };
  const peer = { ...full, upstream_verify: "peer" };
  const authority = readFileSync(join(NET_FIXTURES, "authority.pem"), "utf8");

  test.each<[string, string, object, string | null]>([
    ["by the right authority, for the right host", "good", full, null],
    ["that is not asked for, on this machine", "good", {}, null],
    ["that is neither there nor asked for", "plain", {}, null],
    ["for another host, where that does not matter", "another host's", peer, null],
    ["that the server does not have", "plain", full, "no TLS: "],
    [
      "by itself",
      "self-signed",
      full,
      "certificate of an unknown authority: the certificate is for CN=localhost, issued by CN=localhost",
    ],
    [
      "by an unknown authority",
      "untrusted",
      peer,
      "certificate of an unknown authority: the certificate is for CN=Carpool test untrusted",
    ],
    [
      "for another host",
      "another host's",
      full,
      "certificate of another host: the certificate is for CN=elsewhere.example",
    ],
    [
      "that has expired",
      "expired",
      { ...full, upstream_tls_ca: authority },
      "certificate expired: the certificate is for CN=Carpool test expired",
    ],
  ])("%s: %s", async (_what, server, fields, expected) => {
    const found = await lookAt(server, fields);
    expect(found).toEqual(
      expected === null ? [] : [expect.stringMatching(new RegExp(`^TLS: ${expected}`))],
    );
  });

  test("without verification is a warning, and so is a certificate that ends soon", async () => {
    const unverified = { upstream_ssl: true, upstream_verify: "none" };
    expect(await lookAt("good", unverified)).toEqual([
      "TLS: whoever stands between here and the server can pose as it",
    ]);
    expect(await lookAt("expired", unverified)).toEqual([
      "TLS: whoever stands between here and the server can pose as it",
      "TLS: the certificate has expired",
    ]);
    const { validTo } = new X509Certificate(readFileSync(TLS_FIXTURES.server.certificate));
    const late = new Date(Date.parse(validTo) - 10.5 * 86_400_000).toISOString();
    const found = await lookAt("good", full, { wallClock: { iso: () => late } });
    expect(found).toContain("TLS: the certificate expires in 10 days");
  });

  test("with a CA certificate that is none names the field", async () => {
    const unchecked = { upstream_tls_ca: "not a certificate" };
    const found = await lookAt("good", full, { unchecked });
    expect(found).toContainEqual(expect.stringMatching(/^TLS: unusable CA certificate/));
  });
});

function certificate(name: string) {
  return {
    certificate: join(NET_FIXTURES, `${name}.pem`),
    key: join(NET_FIXTURES, `${name}-key.pem`),
  };
}

/** A service that answers the first bytes so; "end": it hangs up; null: never. */
async function listen(answer: string | null) {
  const server: Server = createServer((socket) => {
    socket.on("error", () => {}); // who looks hangs up as it likes
    socket.once("data", () => {
      if (answer === "end") socket.destroy();
      else if (answer !== null) socket.end(answer);
    });
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", resolve);
  await promise;
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
}
