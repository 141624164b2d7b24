import { describe, expect, test } from "bun:test";
import type { TicketHolder } from "../../../src/proxy/tickets/client-ticket.ts";
import { type HeldPool, SharedHolders } from "../../../src/proxy/tickets/shared-holders.ts";
import type { TicketProof } from "../../../src/proxy/tickets/ticket-proof.ts";

const POOL: HeldPool = { name: { mode: "transaction" } };

function holderBy(proof: TicketProof, changes: Partial<TicketHolder> = {}): TicketHolder {
  const whose = { tenant: "blue", record: "1", alias: "app", role: "app", database: "shop" };
  return { ...whose, proof, ...changes };
}

function keysOf(clientByte: number, serverByte: number): TicketProof {
  const clientKey = new Uint8Array(32).fill(clientByte);
  return { kind: "keys", keys: { clientKey, serverKey: new Uint8Array(32).fill(serverByte) } };
}

describe("clients of a pool share what their tickets say of them", () => {
  test("where the tenant's record opens their servers", () => {
    const holders = new SharedHolders();
    const first = holders.of(POOL, holderBy({ kind: "stored" }));
    expect(first).not.toBe(null);
    expect(holders.of(POOL, holderBy({ kind: "stored" }))).toBe(first);
  });

  test("where they have proven the same password", () => {
    const holders = new SharedHolders();
    const first = holders.of(POOL, holderBy(keysOf(1, 2)));
    expect(first).not.toBe(null);
    expect(holders.of(POOL, holderBy(keysOf(1, 2)))).toBe(first);
  });

  test("and those of a password that came later have theirs", () => {
    const holders = new SharedHolders();
    holders.of(POOL, holderBy(keysOf(1, 2)));
    const later = holderBy(keysOf(3, 4));
    expect(holders.of(POOL, later)).toBe(later);
    expect(holders.of(POOL, holderBy(keysOf(3, 4)))).toBe(later);
  });
});

describe("what differs is not shared", () => {
  const others: readonly (readonly [string, TicketHolder])[] = [
    ["another client key", holderBy(keysOf(3, 2))],
    ["another server key", holderBy(keysOf(1, 3))],
    ["another kind of proof", holderBy({ kind: "stored" })],
    ["another tenant of the same name", holderBy(keysOf(1, 2), { record: "2" })],
    ["another role", holderBy(keysOf(1, 2), { role: "admin" })],
    ["another name of the role", holderBy(keysOf(1, 2), { alias: "reporting" })],
  ];
  test.each(others)("%s", (_name, other) => {
    const holders = new SharedHolders();
    holders.of(POOL, holderBy(keysOf(1, 2)));
    expect(holders.of(POOL, other)).toBe(other);
  });

  test("between pools", () => {
    const holders = new SharedHolders();
    holders.of(POOL, holderBy(keysOf(1, 2)));
    const other = holderBy(keysOf(1, 2));
    expect(holders.of({ name: { mode: "transaction" } }, other)).toBe(other);
  });

  test("a client's own token, nor a secret that an auth_query has answered", () => {
    const holders = new SharedHolders();
    for (const proof of [
      { kind: "token", token: "t", remoteAddress: "::1" },
      { kind: "md5", verifier: "md5x" },
    ] as const) {
      holders.of(POOL, holderBy(proof));
      const other = holderBy(proof);
      expect(holders.of(POOL, other)).toBe(other);
    }
  });

  test("with a pool in session mode, whose clients have no tickets", () => {
    const session: HeldPool = { name: { mode: "session" } };
    expect(new SharedHolders().of(session, holderBy({ kind: "stored" }))).toBe(null);
    expect(new SharedHolders().of(POOL, null)).toBe(null);
  });
});
