import { describe, expect, test } from "bun:test";
import type { ScramLoginKeys } from "../../../src/auth/scram-keys.ts";
import { classifySecret, type Secret } from "../../../src/auth/secret.ts";
import type { Channel } from "../../../src/net/channel.ts";
import { AddressBans } from "../../../src/proxy/login/address-bans.ts";
import { Admission } from "../../../src/proxy/login/admission.ts";
import { ClientTakeovers, ticketHolder } from "../../../src/proxy/tickets/client-takeovers.ts";
import { type ClientTicket, encodeTicket } from "../../../src/proxy/tickets/client-ticket.ts";
import { TicketLogins } from "../../../src/proxy/tickets/ticket-logins.ts";
import type { StoredTenant } from "../../../src/tenants/tenant.ts";
import { MemoryStream } from "../../link/support/memory-stream.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { present } from "../../support/present.ts";
import { tenant } from "../../tenants/fixtures.ts";

const SCRAM = `SCRAM-SHA-256$4096:${btoa("salt")}$${btoa("x".repeat(32))}:${btoa("y".repeat(32))}`;
const QUERY = "select usename, passwd from pg_shadow where usename = $1";
const MD5 = `md5${"0".repeat(32)}`;

function stored(fields: object = {}, user: object = {}): StoredTenant {
  const users = [{ db_user: "app", db_user_alias: "web", db_password: "secret", ...user }];
  return {
    ...tenant("blue", { users, ...fields }),
    id: "record-1",
    inserted_at: "",
    updated_at: "",
  };
}

const TICKET: ClientTicket = {
  tenant: "blue",
  record: "record-1",
  alias: "web",
  role: "app",
  database: "shop",
  proof: { kind: "stored" },
  settings: new Map(),
  settingsNow: null,
  statements: [],
  told: new Map(),
  key: { processId: 5, secretKey: new Uint8Array(4) },
};

const CLOCK = new FakeClock();
const NO_LIMITS = { authFailureLimit: 0, authFailureWindowMs: 1, authFailureBanMs: 1 };
const WALL_CLOCK = { iso: () => "2026-01-01T00:00:00.000Z" };
const ADMISSION = new Admission(WALL_CLOCK, new AddressBans(NO_LIMITS, CLOCK, WALL_CLOCK));

/**
 * Comes with `ticket` to an owner whose directory knows `peeked` at once (undefined: nothing), and `looked` when it
 * has looked. Returns what became of the client: the class of the error that it is told, or that it goes on.
 */
async function outcome(
  ticket: string,
  peeked: StoredTenant | null | undefined,
  options: {
    looked?: StoredTenant | null | Error;
    stopping?: boolean;
    leaves?: boolean;
    /** What comes of the `auth_query`. */
    asked?: () => string;
    /** What the directory knows once that was run. */
    peekedThen?: StoredTenant | null;
  } = {},
): Promise<string> {
  const ends: string[] = [];
  const { one: channel, other: peer } = new MemoryStream();
  const { looked = null, stopping = false, leaves = false } = options;
  let known = peeked;
  const secretOf = async (): Promise<string> => {
    await Promise.resolve();
    if (options.peekedThen !== undefined) known = options.peekedThen;
    return options.asked?.() ?? SCRAM;
  };
  const takeovers = new ClientTakeovers(
    {
      directory: {
        peek: () => known,
        lookup: () => {
          if (looked instanceof Error) return Promise.reject(looked);
          known = known === undefined ? looked : known;
          return Promise.resolve(known);
        },
      },
      admission: ADMISSION,
    },
    new TicketLogins({
      authQueries: { secretOf },
      clock: CLOCK,
      wallClock: WALL_CLOCK,
      limits: { jitTimeoutMs: 1 },
    }),
    { stopping, takeOver: (_channel, { alias }) => void ends.push(`goes on as ${alias}`) },
    { refuse: (_channel: Channel, _who, thrown) => void ends.push(nameOf(thrown)) },
  );
  takeovers.open(channel, ticket);
  if (leaves) {
    peer.destroy();
    channel.destroy();
  }
  await Bun.sleep(0);
  expect(ends.length).toBeWithin(0, 2);
  return ends[0] ?? "nothing";
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : String(thrown);
}

const GOOD = encodeTicket(TICKET);

describe("a client that comes with the ticket of an owner before", () => {
  test("goes on where tenant and user are what they were, known at once or not", async () => {
    expect(await outcome(GOOD, stored())).toBe("goes on as web");
    expect(await outcome(GOOD, undefined, { looked: stored() })).toBe("goes on as web");
    expect(await outcome(GOOD, stored({}, { db_password: MD5 }))).toBe("goes on as web");
  });

  test("is sent away where its tenant is gone, or another one of the same name", async () => {
    expect(await outcome(GOOD, null)).toBe("TenantRemovedError");
    expect(await outcome(GOOD, undefined, { looked: null })).toBe("TenantRemovedError");
    expect(await outcome(GOOD, { ...stored(), id: "record-2" })).toBe("TenantRemovedError");
  });

  test("is sent away where its tenant was banned while it had no owner", async () => {
    const banned = stored({ banned_at: "2020-01-01T00:00:00.000Z", ban_reason: "unpaid" });
    expect(await outcome(GOOD, banned)).toBe("TenantBannedError");
    expect(await outcome(GOOD, undefined, { looked: banned })).toBe("TenantBannedError");
  });

  test("is sent away where its user is gone, though another one has its role", async () => {
    expect(await outcome(GOOD, stored({}, { db_user_alias: "other" }))).toBe("UserRemovedError");
  });

  test("is sent away where its user is another role by now, or its servers need a login's keys", async () => {
    const changes = [
      stored({}, { db_user: "another" }),
      stored({}, { db_password: SCRAM }),
      stored({}, { mode_type: "native" }),
      stored({ require_user: false, auth_query: QUERY }, { is_manager: true }),
    ];
    const outcomes = await Promise.all(changes.map((changed) => outcome(GOOD, changed)));
    expect(new Set(outcomes)).toEqual(new Set(["NotTakenOverError"]));
  });

  test("is sent away by an owner that stops, or that can't look its tenant up", async () => {
    expect(await outcome(GOOD, stored(), { stopping: true })).toBe("ShutdownError");
    const away = new TypeError("the store is away");
    expect(await outcome(GOOD, undefined, { looked: away })).toBe("TypeError");
  });

  test("is sent away with what is no ticket", async () => {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const texts = ["", "{}", GOOD.slice(1), GOOD.replace("blue", '"')];
    const outcomes = await Promise.all(texts.map((text) => outcome(text, stored())));
    expect(new Set(outcomes)).toEqual(new Set(["NotTakenOverError"]));
  });

  test("that leaves while its tenant is looked up is forgotten", async () => {
    expect(await outcome(GOOD, undefined, { looked: stored(), leaves: true })).toBe("nothing");
  });
});

describe("a client whose secret is asked for again", () => {
  const queried = stored({ require_user: false, auth_query: QUERY }, { is_manager: true });
  const byMd5 = encodeTicket({ ...TICKET, proof: { kind: "md5", verifier: MD5 } });
  const asked = () => MD5;

  test("goes on where it is the same, and its tenant as well", async () => {
    expect(await outcome(byMd5, queried, { asked })).toBe("goes on as web");
    expect(await outcome(byMd5, undefined, { looked: queried, asked })).toBe("goes on as web");
  });

  test("goes on by a record that came meanwhile, if that says the same", async () => {
    const renewed = { ...queried, default_pool_size: 7 };
    expect(await outcome(byMd5, queried, { asked, peekedThen: renewed })).toBe("goes on as web");
  });

  test("is sent away by a record that came meanwhile", async () => {
    const then = async (peekedThen: StoredTenant | null) =>
      outcome(byMd5, queried, { asked, peekedThen });
    expect(await then(null)).toBe("TenantRemovedError");
    expect(await then({ ...queried, id: "record-2" })).toBe("TenantRemovedError");
    expect(await then({ ...queried, users: [] })).toBe("UserRemovedError");
    const banned = { ...queried, banned_at: "2020-01-01T00:00:00.000Z", ban_reason: "unpaid" };
    expect(await then(banned)).toBe("TenantBannedError");
  });

  test("that leaves meanwhile is forgotten", async () => {
    expect(await outcome(byMd5, queried, { asked, leaves: true })).toBe("nothing");
  });
});

/** The holder of the ticket of tenant `blue`'s first user, who has proven this. */
function holderOf(
  blue: StoredTenant,
  secret: Secret,
  keys: ScramLoginKeys | null,
  byToken = false,
) {
  const user = present(blue.users[0]);
  const parameters: readonly (readonly [string, string])[] = [["database", "shop"]];
  const opening = { parameters, remoteAddress: "192.0.2.7" };
  return ticketHolder({ tenant: blue, user, byToken }, { secret, keys }, opening);
}

describe("whose ticket a client gets", () => {
  const KEYS = { clientKey: new Uint8Array(32), serverKey: new Uint8Array(32) };
  const scram = present(classifySecret(SCRAM));
  const plaintext = present(classifySecret("secret"));
  test("is its user's, by alias and role", () => {
    expect(holderOf(stored(), plaintext, KEYS)).toEqual({
      tenant: "blue",
      record: "record-1",
      alias: "web",
      role: "app",
      database: "shop",
      proof: { kind: "stored" },
    });
  });

  test("has what only its login has brought", () => {
    const queried = stored({ require_user: false, auth_query: QUERY }, { is_manager: true });
    const proofs = [
      holderOf(stored({}, { db_password: SCRAM }), scram, KEYS),
      holderOf(queried, scram, KEYS),
      holderOf(queried, present(classifySecret(MD5)), null),
      holderOf(stored(), present(classifySecret("a.b.c")), null, true),
    ].map((holder) => holder?.proof);
    expect(proofs).toEqual([
      { kind: "keys", keys: KEYS },
      { kind: "keys", keys: KEYS },
      { kind: "md5", verifier: MD5 },
      { kind: "token", token: "a.b.c", remoteAddress: "192.0.2.7" },
    ]);
  });

  test("is nobody's where nothing was brought that opens servers, or PostgreSQL itself judges", () => {
    expect(holderOf(stored({}, { db_password: SCRAM }), scram, null)).toBe(null);
    expect(holderOf(stored({}, { mode_type: "native" }), plaintext, null)).toBe(null);
  });
});
