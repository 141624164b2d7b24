import { describe, expect, test } from "bun:test";
import { scramKeysFromSaltedPassword } from "../../../src/auth/scram-keys.ts";
import type { Secret } from "../../../src/auth/secret.ts";
import { BACKEND } from "../../../src/wire/message-type.ts";
import { SERVER_NONCE, verifierOf } from "../../auth/login.ts";
import { dataRow, errorResponse, message, parameterStatus } from "../support/backend-messages.ts";
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
  SASL,
} from "../support/server-logins.ts";

describe("a server that is not to be believed is refused:", () => {
  test("AuthenticationOk where SCRAM has only begun", () => {
    new Login(plaintext).feed(SASL, OK).expectRefused("08006", "out of turn");
  });

  test("AuthenticationOk while keys are derived, which are then not sent", () => {
    const { login, serverFirst } = challenged();
    login.feed(authentication(11, serverFirst), OK);
    login.expectRefused("08006", "out of turn");
    const sent = login.sent.length;
    login.deriveKeys();
    expect(login.sent).toHaveLength(sent);
  });

  test("AuthenticationOk that skips the SCRAM signature", () => {
    proven().login.feed(OK).expectRefused("08006", "without the server's signature");
  });

  test("a wrong SCRAM signature", () => {
    const { login } = proven();
    login.feed(authentication(12, `v=${Buffer.alloc(32, 1).toString("base64")}`));
    expect(login.errors[0]?.name).toBe("ServerSignatureError");
    login.expectRefused(login.errors[0]?.sqlstate ?? "", "");
  });

  test("an outcome of SCRAM before its proof", () => {
    const { login } = challenged();
    login.feed(authentication(12, "v=AAAA"));
    expect(login.errors).toHaveLength(1);
    expect(login.sent).toHaveLength(2);
  });

  test.each([
    ["SASLContinue", authentication(11, "r=x,s=AAAA,i=1")],
    ["SASLFinal", authentication(12, "v=AAAA")],
  ])("%s without a SASL exchange", (_, bytes) => {
    new Login(plaintext).feed(bytes).expectRefused("08006", "nobody asked for");
  });

  test.each([
    ["SASL", SASL],
    ["MD5", MD5],
    ["a password in clear text", CLEARTEXT],
  ])("%s once more after SCRAM's proof", (_, bytes) => {
    proven().login.feed(bytes).expectRefused("08006", "out of turn");
  });

  test("SASL twice", () => {
    new Login(plaintext).feed(SASL, SASL).expectRefused("08006", "out of turn");
  });

  test.each([
    ["MD5", MD5],
    ["a password in clear text", CLEARTEXT],
  ])("%s in the middle of SCRAM", (_, bytes) => {
    const login = new Login(plaintext, { encrypted: true }).feed(SASL);
    const sent = login.sent.length;
    login.feed(bytes);
    expect(login.sent.length).toBe(sent);
    expect(login.errors).toHaveLength(1);
  });

  test.each([
    ["AuthenticationOk", OK],
    ["MD5", MD5],
    ["SASL", SASL],
  ])("%s after AuthenticationOk", (_, bytes) => {
    new Login(plaintext).feed(OK, bytes).expectRefused("08006", "out of turn");
  });

  test.each([
    ["a parameter", parameterStatus("a", "1")],
    ["a cancel key", KEY],
    ["ReadyForQuery", READY],
  ])("%s before AuthenticationOk", (_, bytes) => {
    new Login(null).feed(bytes).expectRefused("08006", "out of turn");
    new Login(plaintext).feed(SASL, bytes).expectRefused("08006", "out of turn");
  });

  test.each([
    ["a DataRow", dataRow("x")],
    [
      "NegotiateProtocolVersion, which 3.0 needs not",
      message(0x76, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0)),
    ],
    ["an unknown type", message(0x21)],
    ["HTTP", Buffer.from("HTTP/1.1 400 Bad Request\r\n")],
    ["a length below 4", Uint8Array.of(0x52, 0, 0, 0, 3)],
    ["a message above 64 kB", Uint8Array.of(0x53, 0, 1, 0, 0)],
    ["an Authentication message without a kind", message(0x52)],
    ["an MD5 salt of three bytes", authentication(5, Uint8Array.of(1, 2, 3))],
    ["a list of SASL mechanisms without an end", authentication(10, "SCRAM-SHA-256\0")],
  ])("%s", (_, bytes) => {
    const login = new Login(plaintext).feed(bytes);
    expect(login.errors).toHaveLength(1);
    login.expectRefused(login.errors[0]?.sqlstate ?? "", "");
    expect(login.sent).toHaveLength(1);
  });

  test("more parameters than any server has", () => {
    const login = new Login(null).feed(OK);
    for (let index = 0; index < 1000; index += 1) login.feed(parameterStatus(`p${index}`, "x"));
    login.expectRefused("08006", "too many parameters");
  });

  test.each([
    ["iterations that would take hours", (first: string) => first.replace("i=2", "i=2000000000")],
    ["iterations just above the limit", (first: string) => first.replace("i=2", "i=101")],
    ["no iterations", (first: string) => first.replace("i=2", "i=0")],
    ["no salt", (first: string) => first.replace(/s=[^,]*/, "s=")],
    ["another's nonce", (first: string) => first.replace("r=", "r=x")],
    ["our nonce alone", (first: string) => first.replace(SERVER_NONCE, "")],
    ["an extension that must be understood", (first: string) => `m=x,${first}`],
    ["no attributes", () => "x"],
    ["nothing", () => ""],
  ])("a SCRAM challenge with %s", (_, change) => {
    const { login, serverFirst } = challenged();
    login.feed(authentication(11, change(Buffer.from(serverFirst).toString())));
    expect(login.derivations).toEqual([]);
    expect(login.errors).toHaveLength(1);
    expect(login.outcomes).toHaveLength(0);
  });

  test("a nonce and a salt as long as a message may be only cost their length", () => {
    const { login, serverFirst } = challenged();
    const long = Buffer.from(serverFirst).toString().replace(SERVER_NONCE, "n".repeat(60_000));
    login.feed(authentication(11, long));
    expect(login.derivations.length + login.errors.length).toBe(1);
  });

  test("mechanisms that are none of ours", () => {
    const login = new Login(plaintext).feed(authentication(10, "OAUTHBEARER\0SCRAM-SHA-1\0\0"));
    expect(login.errors[0]?.name).toBe("UnsupportedSaslError");
  });
});

describe("a password goes to nobody who should not have it:", () => {
  test("in clear text without TLS", () => {
    const login = new Login(plaintext).feed(CLEARTEXT);
    login.expectRefused("28000", "not supported on this connection");
    expect(login.sent).toHaveLength(1);
  });

  test.each([2, 7, 9, 13, -1])("authentication method %d is not supported", (kind) => {
    new Login(plaintext).feed(authentication(kind)).expectRefused("28000", `method ${kind}`);
  });

  test.each([
    ["clear text", CLEARTEXT, null],
    ["clear text", CLEARTEXT, { kind: "scram", verifier: verifierOf(PASSWORD) }],
    ["MD5", MD5, null],
    ["MD5", MD5, { kind: "scram", verifier: verifierOf(PASSWORD) }],
  ] as const)("%s where the secret can't answer it", (_, bytes, secret) => {
    const login = new Login(secret, { encrypted: true }).feed(bytes);
    login.expectRefused("28000", "no usable password");
  });

  test.each([
    ["no secret", null],
    ["an MD5 verifier", { kind: "md5", verifier: `md5${"0".repeat(32)}` }],
    ["a verifier and no client's keys", { kind: "scram", verifier: verifierOf(PASSWORD) }],
  ] as const)("SCRAM with %s", (_, secret) => {
    const { login, serverFirst } = challenged(secret);
    login.feed(authentication(11, serverFirst)).expectRefused("28000", "no usable password");
  });

  test.each([
    ["salt", verifierOf(PASSWORD, new Uint8Array(16).fill(9))],
    ["iteration count", verifierOf(PASSWORD, new Uint8Array(16).fill(1), 3)],
  ])("a client's keys where the verifier has another %s", (_, verifier) => {
    const secret: Secret = { kind: "scram", verifier };
    const keys = scramKeysFromSaltedPassword(new Uint8Array(32));
    const credentials = { user: "u", database: "d", secret, passedThroughKeys: keys };
    const { login, serverFirst } = challenged(secret, { credentials });
    login.feed(authentication(11, serverFirst)).expectRefused("28000", "not the server's");
  });
});

describe("an ErrorResponse of the server", () => {
  test("is passed on in its own words", () => {
    const login = new Login(null).feed(
      errorResponse("3D000", 'database "d" does not exist', "FATAL"),
    );
    expect(login.errors[0]).toMatchObject({
      sqlstate: "3D000",
      message: 'database "d" does not exist',
    });
  });

  test.each([
    ["no fields", "\0"],
    ["no SQLSTATE", "SFATAL\0Mwords\0\0"],
    ["no message", "C3D000\0\0"],
    ["unknown fields only", "?x\0\0"],
  ])("with %s is an error all the same", (_, body) => {
    const { errors } = new Login(null).feed(message(BACKEND.ErrorResponse, body));
    expect(errors).toHaveLength(1);
    expect(errors[0]?.sqlstate).toHaveLength(5);
    expect(errors[0]?.message).not.toBe("");
  });

  test.each([
    ["no end", "SFATAL\0Mwords\0"],
    ["a field without an end", "SFATAL"],
    ["no body", ""],
  ])("with %s ends the login, too", (_, body) => {
    const login = new Login(null).feed(message(BACKEND.ErrorResponse, body));
    expect(login.errors).toHaveLength(1);
  });

  test("is told once, whatever follows it", () => {
    const error = errorResponse("53300", "too many clients", "FATAL");
    new Login(null).feed(joined(error, error, OK, READY)).expectRefused("53300", "too many");
  });
});
