import { describe, expect, test } from "bun:test";
import { md5Response, md5Verifier } from "../../../src/auth/md5.ts";
import { ScramClient } from "../../../src/auth/scram-client.ts";
import { scramKeysFromSaltedPassword } from "../../../src/auth/scram-keys.ts";
import { type ClientChallenge, ClientLogin } from "../../../src/session/login/client-login.ts";
import { readAuthenticationSASLContinue } from "../../../src/wire/backend/authentication-sasl-continue.ts";
import { readAuthenticationSASLFinal } from "../../../src/wire/backend/authentication-sasl-final.ts";
import { ByteWriter } from "../../../src/wire/byte-writer.ts";
import { writePasswordMessage } from "../../../src/wire/frontend/password-message.ts";
import { writeSASLInitialResponse } from "../../../src/wire/frontend/sasl-initial-response.ts";
import { writeSASLResponse } from "../../../src/wire/frontend/sasl-response.ts";
import { BINDING, CLIENT_NONCE, SERVER_NONCE, verifierOf } from "../../auth/login.ts";
import { saltPassword } from "../../auth/salted-password.ts";
import { message, transcript } from "../support/backend-messages.ts";
import { joined, query } from "../support/frontend-messages.ts";

const PASSWORD = "pencil";
const SALT = Uint8Array.of(1, 2, 3, 4);
const VERIFIER = verifierOf(PASSWORD);

const SCRAM: ClientChallenge = {
  method: "scram-sha-256",
  verifier: VERIFIER,
  serverNonce: SERVER_NONCE,
  channelBinding: null,
};
const MD5: ClientChallenge = {
  method: "md5",
  verifier: md5Verifier("u", PASSWORD),
  salt: SALT,
};
const CLEARTEXT: ClientChallenge = { method: "password" };

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return writer.take();
}

function password(text: string): Uint8Array {
  return written((writer) => writePasswordMessage(writer, text));
}

/** A login with all that it told, and what it had kept when it did. */
class Login {
  readonly sent: Uint8Array[] = [];
  readonly told: string[] = [];
  early: Uint8Array | null = null;
  clientKey: Uint8Array | null = null;
  readonly login: ClientLogin;

  constructor(challenge: ClientChallenge) {
    this.login = new ClientLogin(challenge, {
      send: (bytes) => this.sent.push(bytes),
      checkPassword: (text) => this.told.push(`check ${text}`),
      onProven: (_verifier, clientKey, saslFinal) => {
        this.told.push("proven");
        if (saslFinal !== null) this.sent.push(saslFinal);
        this.clientKey = clientKey;
        this.early = this.login.takeHeld();
      },
      onWrongPassword: () => this.told.push("wrong password"),
      onViolation: (error) => this.told.push(`${error.sqlstate} ${error.message}`),
    });
    this.login.start();
  }

  feed(...chunks: readonly Uint8Array[]): this {
    for (const chunk of chunks) this.login.feed(chunk);
    return this;
  }

  get last(): Uint8Array {
    return this.sent.at(-1) ?? new Uint8Array(0);
  }
}

/** The client's side of SCRAM toward `login`. */
function scramClient(mechanisms: readonly string[] = ["SCRAM-SHA-256"]) {
  const client = new ScramClient({ mechanisms, clientNonce: CLIENT_NONCE, channelBinding: null });
  const initial = written((writer) =>
    writeSASLInitialResponse(writer, client.mechanism, client.clientFirst()),
  );
  const final = (challenge: Uint8Array, text = PASSWORD): Uint8Array => {
    const first = readAuthenticationSASLContinue(challenge, 0, challenge.length);
    const { salt, iterations } = client.onServerFirst(first);
    const keys = scramKeysFromSaltedPassword(saltPassword(text, salt, iterations));
    return written((writer) => writeSASLResponse(writer, client.clientFinal(keys)));
  };
  return { client, initial, final };
}

describe("a client's login by SCRAM", () => {
  test("proves both sides, and tells the client's key", () => {
    const login = new Login(SCRAM);
    const { client, initial, final } = scramClient();
    login.feed(initial);
    login.feed(final(login.last));
    client.onServerFinal(readAuthenticationSASLFinal(login.last, 0, login.last.length));
    expect(client.verified).toBeTrue();
    expect(login.told).toEqual(["proven"]);
    const salted = saltPassword(PASSWORD, VERIFIER.salt, VERIFIER.iterations);
    expect(
      Buffer.compare(login.clientKey ?? SALT, scramKeysFromSaltedPassword(salted).clientKey),
    ).toBe(0);
  });

  test("goes the same way byte by byte", () => {
    const login = new Login(SCRAM);
    const { initial, final } = scramClient();
    for (const byte of initial) login.feed(Uint8Array.of(byte));
    for (const byte of final(login.last)) login.feed(Uint8Array.of(byte));
    expect(login.told).toEqual(["proven"]);
  });

  test("offers PLUS first where the connection can be bound", () => {
    expect(transcript(new Login(SCRAM).last)).toEqual(["Authentication ·SCRAM-SHA-256·"]);
    expect(transcript(new Login({ ...SCRAM, channelBinding: BINDING }).last)).toEqual([
      "Authentication ·SCRAM-SHA-256-PLUS·SCRAM-SHA-256·",
    ]);
  });

  test("tells a wrong password, without a signature of the server's", () => {
    const login = new Login(SCRAM);
    const { initial, final } = scramClient();
    login.feed(initial);
    const sent = login.sent.length;
    login.feed(final(login.last, "wrong"));
    expect(login.told).toEqual(["wrong password"]);
    expect(login.sent).toHaveLength(sent);
  });

  test("takes one proof, and not a second one after a wrong one", () => {
    const login = new Login(SCRAM);
    const { initial, final } = scramClient();
    login.feed(initial);
    const challenge = login.last;
    login.feed(final(challenge, "wrong"), initial, scramClient().initial);
    expect(login.told).toEqual(["wrong password"]);
  });

  test("refuses a second SASLInitialResponse in place of the proof", () => {
    const login = new Login(SCRAM);
    const { initial } = scramClient();
    login.feed(initial, initial);
    expect(login.told).toHaveLength(1);
    expect(login.told[0]).toStartWith("08P01");
  });

  test.each([
    [
      "a mechanism that was not offered",
      (w: ByteWriter) => writeSASLInitialResponse(w, "SCRAM-SHA-256-PLUS", SALT),
    ],
    ["an unknown mechanism", (w: ByteWriter) => writeSASLInitialResponse(w, "PLAIN", SALT)],
    [
      "a mechanism without data",
      (w: ByteWriter) => writeSASLInitialResponse(w, "SCRAM-SHA-256", null),
    ],
    [
      "data that is no SCRAM",
      (w: ByteWriter) => writeSASLInitialResponse(w, "SCRAM-SHA-256", SALT),
    ],
    ["a password in its place", (w: ByteWriter) => writePasswordMessage(w, PASSWORD)],
  ])("refuses %s", (_, write) => {
    const login = new Login(SCRAM).feed(written(write));
    expect(login.told).toHaveLength(1);
    expect(login.told[0]).not.toBe("proven");
    expect(login.sent).toHaveLength(1);
  });
});

describe("a client's login by MD5", () => {
  test("is proven by the right response", () => {
    const response = md5Response(md5Verifier("u", PASSWORD), SALT);
    const login = new Login(MD5).feed(password(response));
    expect(login.told).toEqual(["proven"]);
    expect(login.clientKey).toBeNull();
  });

  test.each([
    ["another salt's response", md5Response(md5Verifier("u", PASSWORD), Uint8Array.of(1, 2, 3, 5))],
    ["the verifier itself", md5Verifier("u", PASSWORD)],
    ["the password itself", PASSWORD],
    ["nothing", ""],
  ])("is not proven by %s", (_, response) => {
    expect(new Login(MD5).feed(password(response)).told).toEqual(["wrong password"]);
  });
});

describe("a client's login by a password in clear text", () => {
  test("has the password checked elsewhere", () => {
    expect(new Login(CLEARTEXT).feed(password(PASSWORD)).told).toEqual([`check ${PASSWORD}`]);
  });

  test("has one password checked, however many there are", () => {
    const login = new Login(CLEARTEXT).feed(
      joined(password("one"), password("two")),
      password("three"),
    );
    expect(login.told).toEqual(["check one"]);
  });
});

describe.each([
  ["scram-sha-256", SCRAM],
  ["md5", MD5],
  ["password", CLEARTEXT],
] as const)("a login by %s", (_method, challenge) => {
  test.each([
    ["another message in its place", query("select 1"), "expected password response"],
    ["a Terminate", message(0x58), "expected password response"],
    [
      "a long message of another type, before it is there",
      Uint8Array.of(0x51, 0x3f, 0, 0, 0),
      "expected password response",
    ],
    [
      "a response above the limit, before it is there",
      Uint8Array.of(0x70, 0, 1, 0, 0),
      "invalid password packet size",
    ],
    [
      "a response above the limit",
      message(0x70, new Uint8Array(70_000)),
      "invalid password packet size",
    ],
    ["a length below 4", Uint8Array.of(0x70, 0, 0, 0, 3), "invalid message length"],
    ["a length above any", Uint8Array.of(0x70, 0x7f, 0xff, 0xff, 0xff), "invalid message length"],
    ["an HTTP request", Buffer.from("GET / HTTP/1.1\r\n\r\n"), "invalid message length"],
  ])("refuses %s, and says so once", (_, bytes, words) => {
    const login = new Login(challenge).feed(bytes, bytes);
    expect(login.told).toHaveLength(1);
    expect(login.told[0]).toStartWith("08P01");
    expect(login.told[0]).toContain(words);
  });

  test("refuses a response without a body", () => {
    const login = new Login(challenge).feed(message(0x70));
    expect(login.told).toHaveLength(1);
    expect(login.told[0]).toStartWith("08P01");
  });

  test("keeps no bytes of a message that it will refuse", () => {
    const login = new Login(challenge).feed(
      Uint8Array.of(0x51, 0, 1, 0, 0),
      new Uint8Array(60_000),
    );
    expect(login.login.heldBytes).toBeLessThan(100_000);
    expect(login.told).toHaveLength(1);
  });
});

describe("what comes behind a proof", () => {
  const proof = password(md5Response(md5Verifier("u", PASSWORD), SALT));

  test("is there when the proof is told, though it came in the same chunk", () => {
    const early = joined(query("select 1"), query("select 2").slice(0, 7));
    const login = new Login(MD5).feed(joined(proof, early));
    expect(login.told).toEqual(["proven"]);
    expect(login.early).toEqual(early);
  });

  test("is there when it is longer than any message of a login, and comes in part", () => {
    const early = Uint8Array.of(0x51, 0, 2, 0, 0, 0x20);
    const login = new Login(MD5).feed(joined(proof, early));
    expect(login.told).toEqual(["proven"]);
    expect(login.early).toEqual(early);
  });

  test("is kept while a password is checked", () => {
    const early = [query("select 1"), query("select 2")];
    const login = new Login(CLEARTEXT).feed(password(PASSWORD), ...early);
    expect(login.told).toEqual([`check ${PASSWORD}`]);
    expect(login.login.heldBytes).toBe(joined(...early).length);
    expect(login.login.takeHeld()).toEqual(joined(...early));
    expect(login.login.takeHeld()).toBeNull();
  });

  test("is nothing where nothing came", () => {
    const login = new Login(MD5).feed(proof);
    expect(login.early).toBeNull();
  });

  test("spoils the proof where it is no protocol", () => {
    const login = new Login(MD5).feed(joined(proof, Uint8Array.of(0x51, 0, 0, 0, 1)));
    expect(login.told).toEqual(["08P01 invalid message length"]);
  });
});
