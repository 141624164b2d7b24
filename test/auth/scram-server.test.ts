import { describe, expect, test } from "bun:test";
import { ChannelBindingError } from "../../src/auth/channel-binding-error.ts";
import { InvalidPasswordError } from "../../src/auth/invalid-password-error.ts";
import { SaslProtocolError } from "../../src/auth/sasl-protocol-error.ts";
import { scramKeysFromSaltedPassword } from "../../src/auth/scram-keys.ts";
import { computeClientProof, computeServerSignature } from "../../src/auth/scram-proof.ts";
import { ScramServer } from "../../src/auth/scram-server.ts";
import { UnsupportedSaslError } from "../../src/auth/unsupported-sasl-error.ts";
import { AssertionError } from "../../src/base/assert.ts";
import { BINDING, CLIENT_NONCE, SERVER_NONCE, toText, verifierOf } from "./login.ts";
import { RFC_7677 } from "./rfc-7677.ts";
import { saltPassword, toBytes } from "./salted-password.ts";

const RFC_SALT = Buffer.from(RFC_7677.salt, "base64");
const NONCE = `${CLIENT_NONCE}${SERVER_NONCE}`;
const BARE = `n=,r=${CLIENT_NONCE}`;
const PLAIN = "SCRAM-SHA-256";
const PLUS = "SCRAM-SHA-256-PLUS";

function rfcServer(): ScramServer {
  return new ScramServer({
    verifier: verifierOf(RFC_7677.password, RFC_SALT, RFC_7677.iterations),
    serverNonce: RFC_7677.serverNonce,
    channelBinding: null,
  });
}

function pencilServer(channelBinding = false): ScramServer {
  return new ScramServer({
    verifier: verifierOf("pencil"),
    serverNonce: SERVER_NONCE,
    channelBinding: channelBinding ? BINDING : null,
  });
}

/** client-final-message of someone who knows the password and signs what this says. */
function signFinal(password: string, serverFirst: Uint8Array, withoutProof: string): Uint8Array {
  const { salt, iterations } = verifierOf(password);
  const { clientKey } = scramKeysFromSaltedPassword(saltPassword(password, salt, iterations));
  const authMessage = `${BARE},${toText(serverFirst)},${withoutProof}`;
  const proof = Buffer.from(computeClientProof(clientKey, authMessage)).toString("base64");
  return toBytes(`${withoutProof},p=${proof}`);
}

function bindingValue(header: string, data: Uint8Array): string {
  return Buffer.concat([Buffer.from(header), data]).toString("base64");
}

describe("ScramServer", () => {
  test("holds the exchange of RFC 7677", () => {
    const server = rfcServer();
    const serverFirst = server.start(PLAIN, toBytes(RFC_7677.clientFirst));
    expect(toText(serverFirst)).toBe(RFC_7677.serverFirst);
    const { serverFinal, clientKey } = server.finish(toBytes(RFC_7677.clientFinal));
    expect(toText(serverFinal)).toBe(RFC_7677.serverFinal);
    const salted = saltPassword(RFC_7677.password, RFC_SALT, RFC_7677.iterations);
    expect(clientKey).toEqual(scramKeysFromSaltedPassword(salted).clientKey);
  });

  test("asks for the verifier's own iteration count", () => {
    const verifier = verifierOf("pencil", toBytes("salt"), 77);
    const server = new ScramServer({ verifier, serverNonce: SERVER_NONCE, channelBinding: null });
    expect(toText(server.start(PLAIN, toBytes(`n,,${BARE}`)))).toBe(`r=${NONCE},s=c2FsdA==,i=77`);
  });

  test("offers PLUS, and offers it first, only where there is a channel binding", () => {
    expect(pencilServer(false).mechanisms()).toEqual([PLAIN]);
    expect(pencilServer(true).mechanisms()).toEqual([PLUS, PLAIN]);
  });

  test("accepts a login without a binding that a client without one makes under TLS", () => {
    const server = pencilServer(true);
    const serverFirst = server.start(PLAIN, toBytes(`n,,${BARE}`));
    expect(() =>
      server.finish(signFinal("pencil", serverFirst, `c=biws,r=${NONCE}`)),
    ).not.toThrow();
  });

  test("accepts y where PLUS was not offered", () => {
    const server = pencilServer(false);
    const serverFirst = server.start(PLAIN, toBytes(`y,,${BARE}`));
    expect(() =>
      server.finish(signFinal("pencil", serverFirst, `c=eSws,r=${NONCE}`)),
    ).not.toThrow();
  });

  test("accepts optional extensions in the final message, and checks their signature", () => {
    const server = pencilServer();
    const serverFirst = server.start(PLAIN, toBytes(`n,,${BARE}`));
    const final = signFinal("pencil", serverFirst, `c=biws,r=${NONCE},x=1`);
    expect(() => server.finish(final)).not.toThrow();
  });

  test("ignores the user name, even one that is no UTF-8", () => {
    const clientFirst = Buffer.from(`n,,n=\u00ff,r=${CLIENT_NONCE}`, "latin1");
    expect(toText(pencilServer().start(PLAIN, clientFirst))).toStartWith(`r=${NONCE},`);
  });

  test("refuses to be built with a nonce that no message can carry", () => {
    const options = { verifier: verifierOf("x"), channelBinding: null };
    for (const serverNonce of ["", "a,b", "a b", "\u00e9"])
      expect(() => new ScramServer({ ...options, serverNonce })).toThrow(AssertionError);
  });
});

describe("ScramServer refuses the password", () => {
  test.each(["", "Pencil", "pencil "])("%j as a wrong one", (password) => {
    const server = pencilServer();
    const serverFirst = server.start(PLAIN, toBytes(`n,,${BARE}`));
    const final = signFinal(password, serverFirst, `c=biws,r=${NONCE}`);
    expect(() => server.finish(final)).toThrow(InvalidPasswordError);
  });

  test("when the proof is the server's signature sent back", () => {
    const server = pencilServer();
    const serverFirst = server.start(PLAIN, toBytes(`n,,${BARE}`));
    const withoutProof = `c=biws,r=${NONCE}`;
    const authMessage = `${BARE},${toText(serverFirst)},${withoutProof}`;
    const signature = computeServerSignature(verifierOf("pencil").serverKey, authMessage);
    const proof = Buffer.from(signature).toString("base64");
    expect(() => server.finish(toBytes(`${withoutProof},p=${proof}`))).toThrow(
      InvalidPasswordError,
    );
  });

  test("when an extension was slipped in after signing", () => {
    const server = pencilServer();
    const serverFirst = server.start(PLAIN, toBytes(`n,,${BARE}`));
    const final = toText(signFinal("pencil", serverFirst, `c=biws,r=${NONCE}`));
    const altered = final.replace(",p=", ",x=1,p=");
    expect(() => server.finish(toBytes(altered))).toThrow(InvalidPasswordError);
  });
});

describe("ScramServer refuses a mechanism", () => {
  test.each(["", "SCRAM-SHA-1", "scram-sha-256", "SCRAM-SHA-256 ", "OAUTHBEARER", PLUS])(
    "that it did not offer: %j",
    (mechanism) => {
      const start = () => pencilServer(false).start(mechanism, toBytes(`n,,${BARE}`));
      expect(start).toThrow(SaslProtocolError);
    },
  );
});

describe("ScramServer refuses a channel binding", () => {
  test("that is left out although PLUS was chosen", () => {
    for (const flag of ["n", "y"])
      expect(() => pencilServer(true).start(PLUS, toBytes(`${flag},,${BARE}`))).toThrow(
        SaslProtocolError,
      );
  });

  test("that comes without PLUS", () => {
    const clientFirst = toBytes(`p=tls-server-end-point,,${BARE}`);
    for (const bound of [true, false])
      expect(() => pencilServer(bound).start(PLAIN, clientFirst)).toThrow(SaslProtocolError);
  });

  test.each(["tls-unique", "tls-exporter", "TLS-SERVER-END-POINT", "tls-server-end-point2"])(
    "of another type: %s",
    (type) => {
      const start = () => pencilServer(true).start(PLUS, toBytes(`p=${type},,${BARE}`));
      expect(start).toThrow(SaslProtocolError);
    },
  );

  test("downgrade: a client that was not shown our offer of PLUS", () => {
    const server = pencilServer(true);
    expect(() => server.start(PLAIN, toBytes(`y,,${BARE}`))).toThrow(ChannelBindingError);
  });

  const HEADER = "p=tls-server-end-point,,";
  test.each([
    ["of another certificate", bindingValue(HEADER, new Uint8Array(32).fill(8))],
    ["of a part of the certificate's hash", bindingValue(HEADER, BINDING.data.subarray(1))],
    ["without data", bindingValue(HEADER, new Uint8Array(0))],
    ["under another header", bindingValue("n,,", BINDING.data)],
    ["of a client without one", "biws"],
    ["that is empty", ""],
    ["that is no base64", "%%%%"],
  ])("%s", (_, value) => {
    const server = pencilServer(true);
    const serverFirst = server.start(PLUS, toBytes(`${HEADER}${BARE}`));
    const final = signFinal("pencil", serverFirst, `c=${value},r=${NONCE}`);
    expect(() => server.finish(final)).toThrow(ChannelBindingError);
  });

  test.each([
    ["n", "eSws"],
    ["y", "biws"],
    ["n", ""],
    ["n", bindingValue("n,,", BINDING.data)],
  ])("that contradicts the flag %s: c=%s", (flag, value) => {
    const server = pencilServer(false);
    const serverFirst = server.start(PLAIN, toBytes(`${flag},,${BARE}`));
    const final = signFinal("pencil", serverFirst, `c=${value},r=${NONCE}`);
    expect(() => server.finish(final)).toThrow(SaslProtocolError);
  });
});

describe("ScramServer refuses a nonce", () => {
  test.each([
    ["that is the client's alone", CLIENT_NONCE],
    ["that is the server's alone", SERVER_NONCE],
    ["that is cut", NONCE.slice(0, -1)],
    ["that goes on", `${NONCE}x`],
    ["of another exchange", `${CLIENT_NONCE}${"A".repeat(SERVER_NONCE.length)}`],
  ])("%s", (_, nonce) => {
    const server = pencilServer();
    const serverFirst = server.start(PLAIN, toBytes(`n,,${BARE}`));
    const final = signFinal("pencil", serverFirst, `c=biws,r=${nonce}`);
    expect(() => server.finish(final)).toThrow(SaslProtocolError);
  });

  test("replayed from an exchange that succeeded", () => {
    rfcServer().start(PLAIN, toBytes(RFC_7677.clientFirst));
    const later = new ScramServer({
      verifier: verifierOf(RFC_7677.password, RFC_SALT, RFC_7677.iterations),
      serverNonce: SERVER_NONCE,
      channelBinding: null,
    });
    later.start(PLAIN, toBytes(RFC_7677.clientFirst));
    expect(() => later.finish(toBytes(RFC_7677.clientFinal))).toThrow(SaslProtocolError);
  });
});

describe("ScramServer refuses a message out of turn", () => {
  test("a final message before the first", () => {
    expect(() => rfcServer().finish(toBytes(RFC_7677.clientFinal))).toThrow(SaslProtocolError);
  });

  test("a second first message, after which the final one comes too late", () => {
    const server = rfcServer();
    server.start(PLAIN, toBytes(RFC_7677.clientFirst));
    expect(() => server.start(PLAIN, toBytes(RFC_7677.clientFirst))).toThrow(SaslProtocolError);
    expect(() => server.finish(toBytes(RFC_7677.clientFinal))).toThrow(SaslProtocolError);
  });

  test("the final message again", () => {
    const server = rfcServer();
    server.start(PLAIN, toBytes(RFC_7677.clientFirst));
    server.finish(toBytes(RFC_7677.clientFinal));
    expect(() => server.finish(toBytes(RFC_7677.clientFinal))).toThrow(SaslProtocolError);
  });

  test("the right password after a wrong one", () => {
    const server = rfcServer();
    server.start(PLAIN, toBytes(RFC_7677.clientFirst));
    const wrong = RFC_7677.clientFinal.replace("p=dHzb", "p=eHzb");
    expect(() => server.finish(toBytes(wrong))).toThrow(InvalidPasswordError);
    expect(() => server.finish(toBytes(RFC_7677.clientFinal))).toThrow(SaslProtocolError);
  });

  test("anything after a malformed first message", () => {
    const server = rfcServer();
    expect(() => server.start(PLAIN, toBytes("n,,m=1"))).toThrow(UnsupportedSaslError);
    expect(() => server.start(PLAIN, toBytes(RFC_7677.clientFirst))).toThrow(SaslProtocolError);
  });
});
