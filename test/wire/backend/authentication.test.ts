import { describe, expect, test } from "bun:test";
import {
  readAuthenticationCleartextPassword,
  writeAuthenticationCleartextPassword,
} from "../../../src/wire/backend/authentication-cleartext-password.ts";
import {
  AUTHENTICATION,
  readAuthenticationKind,
} from "../../../src/wire/backend/authentication-kind.ts";
import {
  readAuthenticationMD5Password,
  writeAuthenticationMD5Password,
} from "../../../src/wire/backend/authentication-md5-password.ts";
import {
  readAuthenticationOk,
  writeAuthenticationOk,
} from "../../../src/wire/backend/authentication-ok.ts";
import {
  readAuthenticationSASL,
  writeAuthenticationSASL,
} from "../../../src/wire/backend/authentication-sasl.ts";
import {
  readAuthenticationSASLContinue,
  writeAuthenticationSASLContinue,
} from "../../../src/wire/backend/authentication-sasl-continue.ts";
import {
  readAuthenticationSASLFinal,
  writeAuthenticationSASLFinal,
} from "../../../src/wire/backend/authentication-sasl-final.ts";
import { hex, readWhole, written } from "../hex.ts";

const salt = Uint8Array.of(1, 2, 3, 0xff);
const data = new TextEncoder().encode("v=abc");

describe("Authentication messages", () => {
  test("have the bytes of the protocol docs", () => {
    expect(written(writeAuthenticationOk)).toEqual(hex("'R' 00000008 00000000"));
    expect(written(writeAuthenticationCleartextPassword)).toEqual(hex("'R' 00000008 00000003"));
    expect(written((it) => writeAuthenticationMD5Password(it, salt))).toEqual(
      hex("'R' 0000000c 00000005 010203ff"),
    );
    expect(written((it) => writeAuthenticationSASL(it, ["A", "BC"]))).toEqual(
      hex("'R' 0000000e 0000000a 'A' 00 'BC' 00 00"),
    );
    expect(written((it) => writeAuthenticationSASLContinue(it, data))).toEqual(
      hex("'R' 0000000d 0000000b 'v=abc'"),
    );
    expect(written((it) => writeAuthenticationSASLFinal(it, data))).toEqual(
      hex("'R' 0000000d 0000000c 'v=abc'"),
    );
  });

  test("tell their kind, one that is not known too", () => {
    expect(readWhole(readAuthenticationKind, hex("'R' 0000000c 00000005 01020304"))).toBe(
      AUTHENTICATION.MD5Password,
    );
    expect(readWhole(readAuthenticationKind, hex("'R' 00000008 0000000d"))).toBe(13);
  });
});

describe("Authentication messages are refused", () => {
  test("without a kind", () => {
    expect(() => readWhole(readAuthenticationKind, hex("'R' 00000007 000000"))).toThrow(
      "insufficient data left in message",
    );
  });

  test("that are longer than any may be", () => {
    const long = new Uint8Array(65_537).fill(0x52);
    expect(() => readWhole(readAuthenticationKind, long)).toThrow("invalid message length");
    expect(readWhole(readAuthenticationKind, long.subarray(1))).toBe(0x5252_5252);
  });

  test("when another kind was asked for: a server cannot skip a proof", () => {
    const ok = hex("'R' 00000008 00000000");
    for (const read of [
      readAuthenticationCleartextPassword,
      readAuthenticationMD5Password,
      readAuthenticationSASL,
      readAuthenticationSASLContinue,
      readAuthenticationSASLFinal,
    ]) {
      expect(() => readWhole(read, ok)).toThrow("unexpected authentication request");
    }
    expect(() => readWhole(readAuthenticationOk, hex("'R' 00000008 00000003"))).toThrow(
      "unexpected authentication request",
    );
  });

  test("with bytes behind what they consist of", () => {
    expect(() => readWhole(readAuthenticationOk, hex("'R' 00000009 00000000 00"))).toThrow(
      "invalid message format",
    );
    expect(() =>
      readWhole(readAuthenticationCleartextPassword, hex("'R' 00000009 00000003 00")),
    ).toThrow("invalid message format");
  });

  test("with a salt that is not 4 bytes", () => {
    expect(() =>
      readWhole(readAuthenticationMD5Password, hex("'R' 0000000b 00000005 010203")),
    ).toThrow("insufficient data left in message");
    expect(() =>
      readWhole(readAuthenticationMD5Password, hex("'R' 0000000d 00000005 0102030405")),
    ).toThrow("invalid message format");
  });

  test.each([
    ["no mechanism", "'R' 00000009 0000000a 00", "no SASL authentication mechanism offered"],
    ["a list without its end", "'R' 0000000a 0000000a 'A' 00", "invalid string in message"],
    ["a list that goes on", "'R' 0000000c 0000000a 'A' 00 00 00", "invalid message format"],
  ])("with %s", (_name, dump, message) => {
    expect(() => readWhole(readAuthenticationSASL, hex(dump))).toThrow(message);
  });
});
