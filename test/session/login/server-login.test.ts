import { describe, expect, test } from "bun:test";
import { scramKeysFromSaltedPassword } from "../../../src/auth/scram-keys.ts";
import type { Secret } from "../../../src/auth/secret.ts";
import { readPasswordMessage } from "../../../src/wire/frontend/password-message.ts";
import { readSASLResponse } from "../../../src/wire/frontend/sasl-response.ts";
import { readStartupMessage } from "../../../src/wire/frontend/startup-message.ts";
import { BACKEND } from "../../../src/wire/message-type.ts";
import { verifierOf } from "../../auth/login.ts";
import { saltPassword } from "../../auth/salted-password.ts";
import { message, parameterStatus } from "../support/backend-messages.ts";
import { joined } from "../support/frontend-messages.ts";

import {
  authentication,
  CLEARTEXT,
  challenged,
  KEY,
  Login,
  MD5,
  OK,
  PASSWORD,
  plaintext,
  proven,
  READY,
} from "../support/server-logins.ts";

describe("a login at a server", () => {
  test("names user and database, and asks for protocol 3.0", () => {
    const { last } = new Login(null);
    const { minor, parameters } = readStartupMessage(last, 0, last.length);
    expect(minor).toBe(0);
    expect(parameters).toEqual([
      ["user", "u"],
      ["database", "d"],
    ]);
  });

  test("by trust needs no password", () => {
    const login = new Login(null).feed(OK, parameterStatus("a", "1"), KEY, READY);
    expect(login.outcomes).toEqual([{ processId: 7, parameters: { a: "1" }, surplus: null }]);
    expect(login.sent).toHaveLength(1);
  });

  test("does without a cancel key", () => {
    expect(new Login(null).feed(OK, READY).outcomes[0]?.processId).toBeUndefined();
  });

  test("passes over notices at any time", () => {
    const notice = message(BACKEND.NoticeResponse, "SWARNING\0\0");
    const login = new Login(null).feed(notice, OK, notice, KEY, notice, READY);
    expect(login.outcomes).toHaveLength(1);
  });

  test.each([
    ["plaintext", plaintext],
    ["md5", { kind: "md5", verifier: "md5a95d3b5bc8e1fc4bb1a5f5a1d6e1f3b2" }],
  ] as const)("answers MD5 with a %s secret", (_, secret) => {
    const login = new Login(secret).feed(MD5);
    expect(readPasswordMessage(login.last, 0, login.last.length)).toMatch(/^md5[0-9a-f]{32}$/);
    expect(login.feed(OK, READY).outcomes).toHaveLength(1);
  });

  test("sends a password in clear text inside TLS", () => {
    const login = new Login(plaintext, { encrypted: true }).feed(CLEARTEXT);
    expect(readPasswordMessage(login.last, 0, login.last.length)).toBe(PASSWORD);
    expect(login.feed(OK, READY).outcomes).toHaveLength(1);
  });

  test("by SCRAM derives the keys once, and believes a server that has signed", () => {
    const { login, serverFinal } = proven();
    expect(login.derivations).toHaveLength(1);
    login.feed(authentication(12, serverFinal), OK, KEY, READY);
    expect(login.outcomes).toHaveLength(1);
    expect(login.errors).toEqual([]);
  });

  test("passes a client's SCRAM keys through where the verifier is the same", () => {
    const verifier = verifierOf(PASSWORD);
    const salted = saltPassword(PASSWORD, verifier.salt, verifier.iterations);
    const secret: Secret = { kind: "scram", verifier };
    const passedThroughKeys = scramKeysFromSaltedPassword(salted);
    const credentials = { user: "u", database: "d", secret, passedThroughKeys };
    const { login, server, serverFirst } = challenged(secret, { credentials });
    login.feed(authentication(11, serverFirst));
    expect(login.derivations).toEqual([]);
    const { serverFinal } = server.finish(readSASLResponse(login.last, 0, login.last.length));
    expect(login.feed(authentication(12, serverFinal), OK, READY).outcomes).toHaveLength(1);
  });

  test("goes the same way byte by byte", () => {
    const { login, serverFinal } = proven();
    const rest = joined(authentication(12, serverFinal), OK, parameterStatus("a", "1"), KEY, READY);
    for (const byte of rest) login.feed(Uint8Array.of(byte));
    expect(login.outcomes).toEqual([{ processId: 7, parameters: { a: "1" }, surplus: null }]);
  });

  test("hands on what came behind ReadyForQuery, whole messages and parts", () => {
    const behind = joined(parameterStatus("a", "2"), Uint8Array.of(BACKEND.ErrorResponse, 0));
    const login = new Login(null).feed(joined(OK, parameterStatus("a", "1"), READY, behind));
    expect(login.outcomes).toEqual([
      { processId: undefined, parameters: { a: "1" }, surplus: behind },
    ]);
    expect(login.errors).toEqual([]);
  });
});
