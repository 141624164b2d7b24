import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { scramKeysFromSaltedPassword } from "../../../src/auth/scram-keys.ts";
import type { ClientTicket } from "../../../src/proxy/tickets/client-ticket.ts";
import { TicketLogins } from "../../../src/proxy/tickets/ticket-logins.ts";
import type { TicketProof } from "../../../src/proxy/tickets/ticket-proof.ts";
import { AuthQueryTimeoutError } from "../../../src/session/login/auth-query-errors.ts";
import type { StoredTenant } from "../../../src/tenants/tenant.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { tenant } from "../../tenants/fixtures.ts";

const QUERY = "select usename, passwd from pg_shadow where usename = $1";
const MD5 = `md5${"0".repeat(32)}`;

/** Keys, and the verifier that they fit. */
function account(byte: number) {
  const { clientKey, storedKey, serverKey } = scramKeysFromSaltedPassword(
    new Uint8Array(32).fill(byte),
  );
  const [stored, server] = [storedKey, serverKey].map((key) => Buffer.from(key).toString("base64"));
  const proof: TicketProof = { kind: "keys", keys: { clientKey, serverKey } };
  return { proof, verifier: `SCRAM-SHA-256$4096:${btoa("salt")}$${stored}:${server}` };
}

const [MINE, OTHER] = [account(1), account(2)];
const BY_MD5: TicketProof = { kind: "md5", verifier: MD5 };
const STORED: TicketProof = { kind: "stored" };

function ticketWith(proof: TicketProof, alias = "web", role = "app"): ClientTicket {
  const key = { processId: 5, secretKey: new Uint8Array(4) };
  const whose = { tenant: "blue", record: "record-1", alias, role, database: "shop" };
  return {
    ...whose,
    proof,
    settings: new Map(),
    settingsNow: null,
    statements: [],
    told: new Map(),
    key,
  };
}

function listing(user: object = {}, fields: object = {}): StoredTenant {
  const users = [{ db_user: "app", db_user_alias: "web", db_password: "secret", ...user }];
  return {
    ...tenant("blue", { users, ...fields }),
    id: "record-1",
    inserted_at: "",
    updated_at: "",
  };
}

/** Only its manager is listed. */
const QUERIED = listing(
  { db_user: "manager", db_user_alias: "manager", is_manager: true },
  { require_user: false, auth_query: QUERY },
);

/** Where `auth_query` tells `secret`. Returns the login, or the class of what is thrown. */
async function loginOf(
  ticket: ClientTicket,
  blue: StoredTenant,
  secret: string | null | Error = null,
) {
  const logins = new TicketLogins({
    authQueries: {
      secretOf: () => (secret instanceof Error ? Promise.reject(secret) : Promise.resolve(secret)),
    },
    clock: new FakeClock(),
    wallClock: { iso: () => "2026-01-01T00:00:00.000Z" },
    limits: { jitTimeoutMs: 10_000 },
  });
  return logins.loginOf(ticket, blue);
}

async function refusalOf(...args: Parameters<typeof loginOf>): Promise<string> {
  const error = await rejectionOf(loginOf(...args));
  return error instanceof Error ? error.name : "none";
}

describe("a password that stands in the tenant's record", () => {
  test("opens servers, whatever it is by now", async () => {
    for (const db_password of ["secret", "another", MD5]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const { proof } = await loginOf(ticketWith(STORED), listing({ db_password }));
      expect(proof.keys).toBe(null);
    }
  });

  test("is not there any more where a verifier took its place", async () => {
    const verifier = listing({ db_password: MINE.verifier });
    expect(await refusalOf(ticketWith(STORED), verifier)).toBe("NotTakenOverError");
  });
});

describe("keys of a verifier in the tenant's record", () => {
  test("open servers while it is the verifier, or the one before and still good", async () => {
    const now = listing({ db_password: MINE.verifier });
    const { login, proof } = await loginOf(ticketWith(MINE.proof), now);
    expect([proof.secret.kind, proof.keys]).toEqual(["scram", keysOf(MINE.proof)]);
    expect(login.byToken).toBe(false);
    const before = { db_password: OTHER.verifier, db_password_previous: MINE.verifier };
    const valid = listing({ ...before, previous_valid_until: "2026-01-01T00:00:01.000Z" });
    expect((await loginOf(ticketWith(MINE.proof), valid)).proof.keys).toEqual(keysOf(MINE.proof));
    const over = listing({ ...before, previous_valid_until: "2025-12-31T23:59:59.000Z" });
    expect(await refusalOf(ticketWith(MINE.proof), over)).toBe("NotTakenOverError");
  });

  test("open nothing by another verifier, nor by a password", async () => {
    for (const db_password of [OTHER.verifier, "secret", MD5])
      expect(
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        await refusalOf(ticketWith(MINE.proof), listing({ db_password })),
      ).toBe("NotTakenOverError");
  });

  test("are nobody's whose name or role is another's by now", async () => {
    const changes = [{ db_user_alias: "app" }, { db_user: "other" }, { mode_type: "native" }];
    const refusals = await Promise.all(
      changes.map((change) =>
        refusalOf(ticketWith(MINE.proof), listing({ db_password: MINE.verifier, ...change })),
      ),
    );
    expect(refusals).toEqual(["UserRemovedError", "NotTakenOverError", "NotTakenOverError"]);
  });
});

describe("what a tenant's auth_query tells", () => {
  test("lets go on whose secret it still is", async () => {
    const byKeys = await loginOf(ticketWith(MINE.proof, "app"), QUERIED, MINE.verifier);
    expect(byKeys.login.user).toMatchObject({ db_user: "app", db_password: MINE.verifier });
    expect(byKeys.proof.keys).toEqual(keysOf(MINE.proof));
    const byMd5 = await loginOf(ticketWith(BY_MD5, "app"), QUERIED, MD5);
    expect([byMd5.proof.secret.kind, byMd5.proof.keys]).toEqual(["md5", null]);
  });

  test("lets nobody go on whose secret is another by now, or was of another kind", async () => {
    const tickets = [MINE.proof, BY_MD5, STORED].map((proof) => ticketWith(proof, "app"));
    const refusals = await Promise.all(
      tickets.map((ticket) => refusalOf(ticket, QUERIED, OTHER.verifier)),
    );
    expect(refusals).toEqual(tickets.map(() => "NotTakenOverError"));
    const otherMd5 = `md5${"1".repeat(32)}`;
    expect(await refusalOf(ticketWith(BY_MD5, "app"), QUERIED, otherMd5)).toBe("NotTakenOverError");
    expect(await refusalOf(ticketWith(STORED, "app"), QUERIED, MD5)).toBe("NotTakenOverError");
  });

  test("lets nobody go on whose role is gone, nor by an alias that is listed no more", async () => {
    expect(await refusalOf(ticketWith(MINE.proof, "app"), QUERIED, null)).toBe("UserRemovedError");
    const aliased = ticketWith(MINE.proof, "web", "app");
    expect(await refusalOf(aliased, QUERIED, MINE.verifier)).toBe("UserRemovedError");
  });

  test("lets nobody go on when it can't be asked, and says so as of any client that is not taken over", async () => {
    const away = new AuthQueryTimeoutError(5000);
    const error = await rejectionOf(loginOf(ticketWith(MINE.proof, "app"), QUERIED, away));
    expect(error).toMatchObject({ name: "NotTakenOverError", sqlstate: "57P01" });
    expect(await refusalOf(ticketWith(MINE.proof, "app"), QUERIED, new TypeError())).toBe(
      "TypeError",
    );
  });
});

describe("a token", () => {
  let provider: Bun.Server<undefined>;
  let answer: () => Response;
  const asked: unknown[] = [];
  const TOKEN: TicketProof = { kind: "token", token: "a.b.c", remoteAddress: "192.0.2.7" };

  beforeAll(() => {
    provider = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request) {
        asked.push([request.headers.get("authorization"), await request.json()]);
        return answer();
      },
    });
  });
  afterAll(() => provider.stop(true));

  const tenantWith = (fields: object = {}) =>
    listing({}, { use_jit: true, jit_api_url: `http://127.0.0.1:${provider.port}/`, ...fields });

  test("is asked about again, as from where its client is", async () => {
    answer = () => Response.json({ user_role: { role: "app" } });
    const { login, proof } = await loginOf(ticketWith(TOKEN), tenantWith());
    expect(login.byToken).toBe(true);
    expect(proof).toEqual({ secret: { kind: "plaintext", password: "a.b.c" }, keys: null });
    expect(asked.at(-1)).toEqual(["Bearer a.b.c", { rhost: "192.0.2.7", role: "app" }]);
  });

  test("lets nobody go on that is over, another role's, or that nobody knows about", async () => {
    const answers = [
      () => new Response("", { status: 401 }),
      () => Response.json({ user_role: { role: "other" } }),
      () => new Response("", { status: 500 }),
    ];
    for (const each of answers) {
      answer = each;
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const error = await rejectionOf(loginOf(ticketWith(TOKEN), tenantWith()));
      expect(error).toMatchObject({ name: "NotTakenOverError", sqlstate: "57P01" });
      expect(String(error)).not.toContain("a.b.c");
    }
  });

  test("lets nobody go on at a tenant that takes no tokens any more", async () => {
    const before = asked.length;
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const none = tenantWith({ use_jit: false, jit_api_url: null });
    expect(await refusalOf(ticketWith(TOKEN), none)).toBe("NotTakenOverError");
    const other = tenantWith({ use_jit: false });
    expect(await refusalOf(ticketWith(TOKEN), other)).toBe("NotTakenOverError");
    expect(asked.length).toBe(before);
  });
});

function keysOf(proof: TicketProof) {
  return proof.kind === "keys" ? proof.keys : null;
}
