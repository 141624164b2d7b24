/**
 * Addresses that fail to log in too often, over real sockets, in front of a real PostgreSQL. Each test has
 * a tenant of its own; the addresses come from PROXY headers.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { PortMode } from "../../src/net/channel-opening.ts";
import { eventually } from "../support/eventually.ts";
import { query } from "../support/frontend-messages.ts";
import { startPooler, type TestPooler } from "../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { proxyV1, proxyV2 } from "../support/proxy-headers.ts";
import { RawClient } from "../support/raw-client.ts";
import { rejectionOf } from "../support/rejection.ts";
import { sendCancelRequest } from "../support/send-cancel-request.ts";

let postgres: TestPostgres;
let pooler: TestPooler;

beforeAll(async () => {
  postgres = await startPostgres();
  pooler = await startPooler(postgres, {
    env: {
      PROXY_PROTOCOL: "optional",
      PROXY_PROTOCOL_TRUSTED: "127.0.0.0/8",
      AUTH_FAILURE_LIMIT: "3",
    },
  });
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

interface Attempt {
  readonly from?: string;
  readonly user?: string;
  readonly password?: string;
  readonly mode?: PortMode;
}

/** Logs in, and returns "in" or the words of the refusal. */
async function logIn(tenant: string, attempt: Attempt = {}): Promise<string> {
  const target = pooler.target(attempt.mode ?? "transaction", tenant);
  const { from = "192.0.2.7", user, password = target.password } = attempt;
  const before = from.includes(":") ? proxyV1(from) : proxyV2(from);
  const named = user === undefined ? target : { ...target, user: `${user}.${tenant}` };
  try {
    const client = await RawClient.connect({ ...named, password }, { before });
    await client[Symbol.asyncDispose]();
    return "in";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function fail(tenant: string, count: number, attempt: Attempt = {}): Promise<void> {
  for (let failure = 0; failure < count; failure += 1)
    // oxlint-disable-next-line no-await-in-loop -- one after the other, as somebody who guesses
    expect(await logIn(tenant, { password: "wrong", ...attempt })).toMatch(/28P01/);
}

describe("an address that failed too often", () => {
  test("is refused with the right password too, and told why", async () => {
    await pooler.putTenant({ external_id: "guessed" });
    await fail("guessed", 3);
    expect(await logIn("guessed")).toContain("28000: too many failed logins from 192.0.2.7");
  });

  test("leaves the tenant to the other addresses, and the other tenants to it", async () => {
    await pooler.putTenant({ external_id: "guessed-too" });
    await pooler.putTenant({ external_id: "not-guessed" });
    await fail("guessed-too", 3);
    expect(await logIn("guessed-too", { from: "192.0.2.8" })).toBe("in");
    expect(await logIn("not-guessed")).toBe("in");
  });

  test("may have asked for users that there are not", async () => {
    await pooler.putTenant({ external_id: "enumerated" });
    await fail("enumerated", 2, { user: "nobody" });
    await fail("enumerated", 1, { user: "nobody-else" });
    expect(await logIn("enumerated")).toContain(" 28000:");
  });

  test("has taken nothing back by logging in meanwhile", async () => {
    await pooler.putTenant({ external_id: "known-once" });
    await fail("known-once", 2);
    expect(await logIn("known-once")).toBe("in");
    await fail("known-once", 1);
    expect(await logIn("known-once")).toContain(" 28000:");
  });

  test("is counted by its network where it has IPv6", async () => {
    await pooler.putTenant({ external_id: "ipv6" });
    // oxlint-disable-next-line no-await-in-loop
    for (const host of ["1", "2", "3"]) await fail("ipv6", 1, { from: `2001:db8::${host}` });
    expect(await logIn("ipv6", { from: "2001:db8::4" })).toContain(" 28000:");
    expect(await logIn("ipv6", { from: "2001:db8:0:1::4" })).toBe("in");
  });

  test("cannot go on guessing on another port", async () => {
    await pooler.putTenant({ external_id: "all-ports" });
    await fail("all-ports", 1, { mode: "native" });
    await fail("all-ports", 1, { mode: "session" });
    await fail("all-ports", 1);
    expect(await logIn("all-ports", { mode: "native" })).toContain(" 28000:");
    expect(await logIn("all-ports", { mode: "session" })).toContain(" 28000:");
  });

  test("gets in again once its ban is lifted", async () => {
    await pooler.putTenant({ external_id: "lifted" });
    await fail("lifted", 3);
    const { traffic } = pooler.pooler;
    const banned = await traffic.addressBans("lifted");
    expect(banned.map(({ address }) => address)).toEqual(["192.0.2.7"]);
    expect(await traffic.liftAddressBans("lifted", ["192.0.2.7"])).toEqual([]);
    expect(await logIn("lifted")).toBe("in");
  });
});

describe("what is no guess is not counted:", () => {
  test("a database that there is not", async () => {
    await pooler.putTenant({ external_id: "no-database" });
    const target = { ...pooler.target("transaction", "no-database"), database: "nowhere" };
    for (let attempt = 0; attempt < 5; attempt += 1)
      // oxlint-disable-next-line no-await-in-loop
      await rejectionOf(RawClient.connect(target, { before: proxyV1("192.0.2.7") }));
    expect(await logIn("no-database")).toBe("in");
  });

  test("a tenant that there is not", async () => {
    await fail("nowhere", 5);
    expect(await pooler.pooler.traffic.addressBans("nowhere")).toEqual([]);
  });

  test("a server that is away", async () => {
    await pooler.putTenant({ external_id: "away", db_port: 1 });
    for (let attempt = 0; attempt < 4; attempt += 1)
      // oxlint-disable-next-line no-await-in-loop
      expect(await logIn("away", { mode: "native" })).not.toContain(" 28000:");
    expect(await pooler.pooler.traffic.addressBans("away")).toEqual([]);
  });

  test("a login that is given up", async () => {
    await pooler.putTenant({ external_id: "given-up" });
    for (let attempt = 0; attempt < 5; attempt += 1) {
      // oxlint-disable-next-line no-await-in-loop
      await using client = await RawClient.open(pooler.target("transaction", "given-up"));
      // oxlint-disable-next-line no-await-in-loop
      await client.send(proxyV1("192.0.2.7"));
    }
    expect(await logIn("given-up")).toBe("in");
  });

  test("an address that the tenant does not allow", async () => {
    await pooler.putTenant({ external_id: "closed", allow_list: ["10.0.0.0/8"] });
    for (let attempt = 0; attempt < 5; attempt += 1)
      // oxlint-disable-next-line no-await-in-loop
      expect(await logIn("closed")).toContain(
        "28000: address 192.0.2.7 is not in the allow list of this tenant",
      );
    expect(await pooler.pooler.traffic.addressBans("closed")).toEqual([]);
  });
});

describe("an allow list", () => {
  test("sees the client and not its load balancer", async () => {
    await pooler.putTenant({
      external_id: "listed",
      allow_list: ["192.0.2.0/24", "2001:db8::/32"],
    });
    expect(await logIn("listed", { from: "192.0.2.200" })).toBe("in");
    expect(await logIn("listed", { from: "2001:db8:9::1" })).toBe("in");
    expect(await logIn("listed", { from: "::ffff:192.0.2.200" })).toBe("in");
    expect(await logIn("listed", { from: "::ffff:192.0.3.1" })).toContain(
      "address 192.0.3.1 is not in the allow list of this tenant",
    );
    expect(await logIn("listed", { from: "127.0.0.1" })).toContain(" 28000:");
  });

  test("does not keep out the cancel of a client that it let in: the key is what counts", async () => {
    await pooler.putTenant({ external_id: "cancelled", allow_list: ["192.0.2.0/24"] });
    const target = pooler.target("transaction", "cancelled");
    await using client = await RawClient.connect(target, { before: proxyV1("192.0.2.7") });
    await client.run(query("begin"));
    const running = client.run(query("select pg_sleep(60)"));
    await eventually(async () => {
      await sendCancelRequest(target, client.key, proxyV2("198.51.100.1"));
      const soon = await Promise.race([running, Bun.sleep(100)]);
      expect(soon?.join("\n")).toContain("57014");
    });
  });
});
