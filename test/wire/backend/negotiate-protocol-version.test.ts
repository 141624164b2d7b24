import { describe, expect, test } from "bun:test";
import {
  readNegotiateProtocolVersion,
  writeNegotiateProtocolVersion,
} from "../../../src/wire/backend/negotiate-protocol-version.ts";
import { hex, readWhole, written } from "../hex.ts";

describe("NegotiateProtocolVersion", () => {
  test("carries the whole version, as PostgreSQL and libpq have it", () => {
    const bytes = hex("'v' 00000013 00030002 00000001 '_pq_.x' 00");
    const negotiation = { minor: 2, unknownOptions: ["_pq_.x"] };
    expect(written((it) => writeNegotiateProtocolVersion(it, negotiation))).toEqual(bytes);
    expect(readWhole(readNegotiateProtocolVersion, bytes)).toEqual(negotiation);
  });

  test.each([
    [
      "a version of another protocol",
      "'v' 0000000c 00020000 00000000",
      "invalid protocol negotiation",
    ],
    [
      "a bare minor version",
      "'v' 0000000c 00000002 00000000",
      "invalid protocol negotiation message",
    ],
    ["fewer options than it counts", "'v' 0000000c 00030000 00000001", "invalid string in message"],
    ["more options than it counts", "'v' 0000000d 00030000 00000000 00", "invalid message format"],
    [
      "four thousand million options",
      "'v' 0000000d 00030000 ffffffff 00",
      "invalid string in message",
    ],
  ])("is refused with %s", (_name, dump, message) => {
    expect(() => readWhole(readNegotiateProtocolVersion, hex(dump))).toThrow(message);
  });
});
