import { describe, expect, test } from "bun:test";
import type { Channel } from "../../src/net/channel.ts";
import { AddressBans } from "../../src/proxy/address-bans.ts";
import { Admission } from "../../src/proxy/admission.ts";
import { ClientTakeovers, ticketHolder } from "../../src/proxy/client-takeovers.ts";
import { type ClientTicket, encodeTicket } from "../../src/proxy/client-ticket.ts";
import type { StoredTenant } from "../../src/tenants/tenant.ts";
import { MemoryStream } from "../link/support/memory-stream.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { present } from "../support/present.ts";
import { tenant } from "../tenants/fixtures.ts";

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
  settings: new Map(),
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
  options: { looked?: StoredTenant | null | Error; stopping?: boolean; leaves?: boolean } = {},
): Promise<string> {
  const ends: string[] = [];
  const { one: channel, other: peer } = new MemoryStream();
  const { looked = null, stopping = false, leaves = false } = options;
  const takeovers = new ClientTakeovers(
    {
      directory: {
        peek: () => peeked,
        lookup: () => (looked instanceof Error ? Promise.reject(looked) : Promise.resolve(looked)),
      },
      admission: ADMISSION,
    },
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

describe("whose ticket a client gets", () => {
  test("is its user's, by alias and role", () => {
    const blue = stored();
    expect(ticketHolder(blue, present(blue.users[0]), "shop")).toEqual({
      tenant: "blue",
      record: "record-1",
      alias: "web",
      role: "app",
      database: "shop",
    });
  });

  test("is nobody's where only a login brings what servers are opened by", () => {
    const verifierOnly = stored({}, { db_password: SCRAM });
    const queried = stored({ require_user: false, auth_query: QUERY }, { is_manager: true });
    for (const blue of [verifierOnly, queried])
      expect(ticketHolder(blue, present(blue.users[0]), "shop")).toBe(null);
  });
});
