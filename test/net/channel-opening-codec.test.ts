import { describe, expect, test } from "bun:test";
import type { ChannelOpening } from "../../src/net/channel-opening.ts";
import {
  ChannelOpeningError,
  decodeChannelOpening,
  encodeChannelOpening,
} from "../../src/net/channel-opening-codec.ts";
import { decodeUndecodable } from "../../src/wire/undecodable-text.ts";

const OPENING: ChannelOpening = {
  portMode: "transaction",
  protocolMinor: 2,
  parameters: [
    ["user", "alice.blue"],
    ["application_name", "näher\u0001"],
  ],
  optionsSettings: [["search_path", "one, two"]],
  protocolOptions: ["_pq_.later"],
  remoteAddress: "127.0.0.1",
  connectedForMs: 12.5,
  tls: {
    serverName: "blue.example",
    alpn: "postgresql",
    version: "TLSv1.3",
    serverCertificateHash: Uint8Array.of(0, 255, 10),
    peerCertificate: null,
  },
  tenant: "blue",
  user: "alice",
  claim: "alice@blue",
  waysTried: ["the user's name"],
  early: Uint8Array.of(0x70, 0, 0, 0, 5, 0),
};

const PLAIN: ChannelOpening = { ...OPENING, tls: null, tenant: null, early: null };

/** Over the wire and back: what a link makes of it. */
function carried(opening: ChannelOpening): unknown {
  return JSON.parse(new TextDecoder().decode(encode(encodeChannelOpening(opening))));
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function without(name: string): unknown {
  const { [name]: _, ...rest } = Object.fromEntries(Object.entries(fields()));
  return rest;
}

function fields(): object {
  const value = carried(OPENING);
  if (typeof value !== "object" || value === null) throw new Error("an opening is an object");
  return value;
}

/** Which field is named in the refusal of `value`. */
function refusalOf(value: unknown): string {
  try {
    decodeChannelOpening(value);
  } catch (error) {
    if (error instanceof ChannelOpeningError) return error.message;
    throw error;
  }
  throw new Error("it was taken");
}

describe("the opening of a channel over a link", () => {
  test("arrives as it was sent", () => {
    expect(decodeChannelOpening(carried(OPENING))).toEqual(OPENING);
    expect(decodeChannelOpening(carried(PLAIN))).toEqual(PLAIN);
  });

  test("keeps bytes of names that are not UTF-8", () => {
    const name = decodeUndecodable(Uint8Array.of(0x61, 0xe9, 0xff, 0x80));
    const opening: ChannelOpening = { ...PLAIN, user: name, parameters: [["user", name]] };
    expect(decodeChannelOpening(carried(opening))).toEqual(opening);
  });

  test("keeps bytes that are a part of a larger buffer", () => {
    const early = Uint8Array.of(9, 9, 1, 2, 3, 9).subarray(2, 5);
    const { early: arrived } = decodeChannelOpening(carried({ ...PLAIN, early }));
    expect(arrived).toEqual(Uint8Array.of(1, 2, 3));
  });

  test("reads the address of a client once, and only where it is carried", () => {
    let asked = 0;
    const opening: ChannelOpening = {
      ...PLAIN,
      get remoteAddress() {
        asked += 1;
        return "10.0.0.1";
      },
    };
    expect(asked).toBe(0);
    expect(decodeChannelOpening(carried(opening)).remoteAddress).toBe("10.0.0.1");
    expect(asked).toBe(1);
  });

  test("ignores fields that a newer version has added", () => {
    expect(decodeChannelOpening({ ...fields(), colour: "blue" })).toEqual(OPENING);
  });

  test("is no text, number, list or null", () => {
    for (const value of [null, 0, true, "opening", [], [OPENING], {}])
      expect(refusalOf(value)).toContain("has no good");
  });

  test.each(Object.keys(OPENING))("is refused without its %s", (name) => {
    expect(refusalOf(without(name))).toBe(`the opening of a channel has no good ${name}`);
  });

  test.each<readonly [string, unknown]>([
    ["portMode", "admin"],
    ["portMode", "__proto__"],
    ["protocolMinor", "2"],
    ["connectedForMs", null],
    ["remoteAddress", 7],
    ["tenant", 7],
    ["user", null],
    ["claim", ["alice"]],
    ["parameters", "user"],
    ["parameters", ["user"]],
    ["parameters", [["user"]]],
    ["parameters", [["user", "alice", "bob"]]],
    ["parameters", [["user", null]]],
    ["parameters", { 0: ["user", "alice"], length: 1 }],
    ["optionsSettings", [[1, "one"]]],
    ["protocolOptions", [null]],
    ["waysTried", "all"],
    ["tls", "TLSv1.3"],
    ["early", [1, 2, 3]],
  ])("is refused where %s is %p", (name, value) => {
    expect(refusalOf({ ...fields(), [name]: value })).toContain(`no good ${name}`);
  });

  test.each(["serverName", "alpn", "version", "serverCertificateHash", "peerCertificate"])(
    "is refused where its TLS has a number for %s",
    (name) => {
      expect(refusalOf({ ...fields(), tls: { [name]: 7 } })).toContain("no good");
      const { tls } = Object.assign({ tls: {} }, fields());
      expect(refusalOf({ ...fields(), tls: { ...tls, [name]: 7 } })).toContain(`no good ${name}`);
    },
  );
});
