import { describe, expect, test } from "bun:test";
import { type ClientTicket, decodeTicket, encodeTicket } from "../../src/proxy/client-ticket.ts";

const TICKET: ClientTicket = {
  tenant: "blue",
  record: "record-1",
  alias: "grüße",
  role: "app",
  database: "shop",
  settings: new Map([["application_name", "it's"]]),
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
    const ticket = { ...TICKET, key, settings: new Map(), told: new Map() };
    expect(decodeTicket(encodeTicket(ticket))).toEqual(ticket);
  });

  test("is none that is not JSON, or no object", () => {
    for (const text of ["", "{", "null", "1", "[]", '"ticket"', "\0", "{}"])
      expect(decodeTicket(text)).toBe(null);
  });

  test.each(["tenant", "record", "alias", "role", "database", "settings", "told", "secretKey"])(
    "is none whose %s is not there, or of another type",
    (name) => {
      for (const value of [undefined, null, 1, true, {}])
        expect(decodeTicket(changed({ [name]: value }))).toBe(null);
    },
  );

  test("is none whose pairs are not two texts each", () => {
    const notPairs: readonly unknown[] = [["a"], ["a", "b", "c"], ["a", 1], [1, "a"], "ab", null];
    for (const pair of notPairs) {
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
