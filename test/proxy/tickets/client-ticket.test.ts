import { describe, expect, test } from "bun:test";
import {
  type ClientTicket,
  decodeTicket,
  encodeTicket,
} from "../../../src/proxy/tickets/client-ticket.ts";
import type { TicketProof } from "../../../src/proxy/tickets/ticket-proof.ts";
import { StatementShape } from "../../../src/session/statements/statement-shape.ts";

const TICKET: ClientTicket = {
  tenant: "blue",
  record: "record-1",
  alias: "grüße",
  role: "app",
  database: "shop",
  proof: { kind: "stored" },
  settings: new Map([["application_name", "it's"]]),
  settingsNow: new Map([["application_name", "that"]]),
  statements: [
    {
      name: "grüße",
      parseTail: Uint8Array.of(0x73, 0xe9, 0, 0, 0),
      shape: new StatementShape(Uint8Array.of(0, 0), Uint8Array.of(0, 1, 0xff)),
    },
    {
      name: "S_2",
      parseTail: Uint8Array.of(0, 0, 0),
      shape: new StatementShape(Uint8Array.of(0, 0), null),
    },
  ],
  told: new Map([
    ["TimeZone", "Asia/Tokyo"],
    ["server_version", "18.1"],
  ]),
  key: { processId: 77, secretKey: Uint8Array.of(0, 255, 1, 254) },
};

/** The fields of a good ticket, with changes. */
function changed(changes: Readonly<Record<string, unknown>>): string {
  const fields: unknown = JSON.parse(encodeTicket(TICKET));
  return JSON.stringify(Object.assign({}, fields, changes));
}

describe("a client's ticket", () => {
  test("comes back as it was", () => {
    expect(decodeTicket(encodeTicket(TICKET))).toEqual(TICKET);
  });

  test("has the long secret of protocol 3.2, no settings and nothing told", () => {
    const key = { processId: 1, secretKey: new Uint8Array(32).fill(7) };
    const ticket = {
      ...TICKET,
      key,
      settings: new Map(),
      settingsNow: null,
      statements: [],
      told: new Map(),
    };
    expect(decodeTicket(encodeTicket(ticket))).toEqual(ticket);
  });

  test("has what opens the client's servers, where its tenant's record does not say it", () => {
    const keys = { clientKey: new Uint8Array(32).fill(1), serverKey: new Uint8Array(32).fill(2) };
    const proofs: readonly TicketProof[] = [
      { kind: "keys", keys },
      { kind: "md5", verifier: `md5${"0".repeat(32)}` },
      { kind: "token", token: "a.b.c", remoteAddress: "192.0.2.7" },
    ];
    for (const proof of proofs)
      expect(decodeTicket(encodeTicket({ ...TICKET, proof }))).toEqual({ ...TICKET, proof });
  });

  test("is none whose proof is damaged, of no kind, or has keys of another length", () => {
    const [good, short, long] = [32, 31, 33].map((bytes) => Buffer.alloc(bytes).toString("base64"));
    const proofs: readonly unknown[] = [
      {},
      { kind: "trust" },
      { kind: "keys" },
      { kind: "keys", clientKey: good },
      { kind: "keys", clientKey: short, serverKey: good },
      { kind: "keys", clientKey: good, serverKey: long },
      { kind: "md5", verifier: 5 },
      { kind: "token", token: "a" },
      { kind: "token", token: null, remoteAddress: "192.0.2.7" },
    ];
    for (const proof of proofs) expect(decodeTicket(changed({ proof }))).toBe(null);
  });

  test("is none that is not JSON, or no object", () => {
    for (const text of ["", "{", "null", "1", "[]", '"ticket"', "\0", "{}"])
      expect(decodeTicket(text)).toBe(null);
  });

  test.each([
    "tenant",
    "record",
    "alias",
    "role",
    "database",
    "proof",
    "settings",
    "told",
    "secretKey",
  ])("is none whose %s is not there, or of another type", (name) => {
    for (const value of [undefined, null, 1, true, {}])
      expect(decodeTicket(changed({ [name]: value }))).toBe(null);
  });

  test("is none whose pairs are not two texts each", () => {
    const notPairs: readonly unknown[] = [["a"], ["a", "b", "c"], ["a", 1], [1, "a"], "ab", null];
    for (const pair of notPairs) {
      expect(decodeTicket(changed({ settingsNow: [pair] }))).toBe(null);
      expect(decodeTicket(changed({ settings: [pair] }))).toBe(null);
      expect(decodeTicket(changed({ told: [["a", "b"], pair] }))).toBe(null);
    }
  });

  test("is none whose process id is no integer, or whose secret is empty or longer than any", () => {
    for (const processId of [1.5, "1", null])
      expect(decodeTicket(changed({ processId }))).toBe(null);
    const long = Buffer.alloc(257).toString("base64");
    for (const secretKey of ["", long]) expect(decodeTicket(changed({ secretKey }))).toBe(null);
  });

  test("names nobody's prototype by its settings", () => {
    const ticket = decodeTicket(changed({ settings: [["__proto__", "x"]] }));
    expect([...(ticket?.settings ?? [])]).toEqual([["__proto__", "x"]]);
  });
});
