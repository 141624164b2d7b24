import { describe, expect, test } from "bun:test";
import {
  readPasswordMessage,
  writePasswordMessage,
} from "../../../src/wire/frontend/password-message.ts";
import {
  readSASLInitialResponse,
  writeSASLInitialResponse,
} from "../../../src/wire/frontend/sasl-initial-response.ts";
import { readSASLResponse, writeSASLResponse } from "../../../src/wire/frontend/sasl-response.ts";
import { hex, readWhole, written } from "../hex.ts";
import type { MessageRead } from "../message-under-test.ts";

describe("answers to an authentication request", () => {
  test("have the bytes of the protocol docs", () => {
    const data = Uint8Array.of(0x6e, 0x2c, 0x2c);
    expect(written((it) => writePasswordMessage(it, "pw"))).toEqual(hex("'p' 00000007 'pw' 00"));
    expect(written((it) => writeSASLInitialResponse(it, "M", data))).toEqual(
      hex("'p' 0000000d 'M' 00 00000003 'n,,'"),
    );
    expect(written((it) => writeSASLInitialResponse(it, "M", null))).toEqual(
      hex("'p' 0000000a 'M' 00 ffffffff"),
    );
    expect(written((it) => writeSASLResponse(it, data))).toEqual(hex("'p' 00000007 'n,,'"));
  });

  test("tell an empty response from none", () => {
    expect(readWhole(readSASLInitialResponse, hex("'p' 0000000a 'M' 00 00000000"))).toEqual({
      mechanism: "M",
      response: new Uint8Array(0),
    });
    expect(readWhole(readSASLInitialResponse, hex("'p' 0000000a 'M' 00 ffffffff"))).toEqual({
      mechanism: "M",
      response: null,
    });
  });

  test("may hold an empty password: whether to let it in is not for the codec", () => {
    expect(readWhole(readPasswordMessage, hex("'p' 00000005 00"))).toBe("");
  });
});

describe("answers to an authentication request are refused", () => {
  test.each([
    ["without the password's end", "'p' 00000006 'pw'", "invalid string in message"],
    ["with more behind the password", "'p' 00000008 'pw' 00 00", "invalid password packet size"],
  ])("%s", (_name, dump, message) => {
    expect(() => readWhole(readPasswordMessage, hex(dump))).toThrow(message);
  });

  test.each([
    ["without a length", "'p' 00000006 'M' 00", "insufficient data left in message"],
    ["with a response of length -2", "'p' 0000000a 'M' 00 fffffffe", "insufficient data left"],
    [
      "with a response longer than they are",
      "'p' 0000000b 'M' 00 00000002 'a'",
      "insufficient data",
    ],
    ["with a response of 2 GB", "'p' 0000000b 'M' 00 7fffffff 'a'", "insufficient data left"],
    ["with more behind the response", "'p' 0000000b 'M' 00 00000000 'a'", "invalid message format"],
    ["with more behind no response", "'p' 0000000b 'M' 00 ffffffff 'a'", "invalid message format"],
  ])("%s", (_name, dump, message) => {
    expect(() => readWhole(readSASLInitialResponse, hex(dump))).toThrow(message);
  });

  test("when they are longer than PostgreSQL takes them", () => {
    const longest = new Uint8Array(65_536).fill(0x61);
    const tooLong = new Uint8Array(65_537).fill(0x61);
    expect(readWhole(readSASLResponse, longest)).toHaveLength(65_531);
    const reads: MessageRead[] = [readSASLResponse, readSASLInitialResponse, readPasswordMessage];
    for (const read of reads) {
      expect(() => readWhole(read, tooLong)).toThrow("invalid message length");
    }
  });
});
