import { describe, expect, test } from "bun:test";
import { SaslProtocolError } from "../../src/auth/sasl-protocol-error.ts";
import { SCRAM_ITERATIONS_MAX_DEFAULT, ScramClient } from "../../src/auth/scram-client.ts";
import { ScramIterationsError } from "../../src/auth/scram-iterations-error.ts";
import { scramKeysFromSaltedPassword } from "../../src/auth/scram-keys.ts";
import { ScramServer } from "../../src/auth/scram-server.ts";
import { ServerRejectionError } from "../../src/auth/server-rejection-error.ts";
import { ServerSignatureError } from "../../src/auth/server-signature-error.ts";
import { UnsupportedSaslError } from "../../src/auth/unsupported-sasl-error.ts";
import { AssertionError } from "../../src/base/assert.ts";
import { BINDING, CLIENT_NONCE, SERVER_NONCE, toText, verifierOf } from "./login.ts";
import { saltPassword, toBytes } from "./salted-password.ts";

const PLAIN = "SCRAM-SHA-256";
const PLUS = "SCRAM-SHA-256-PLUS";
const NONCE = `${CLIENT_NONCE}${SERVER_NONCE}`;
const VERIFIER = verifierOf("pencil");
const KEYS = scramKeysFromSaltedPassword(
  saltPassword("pencil", VERIFIER.salt, VERIFIER.iterations),
);

function clientFor(mechanisms: readonly string[], bound: boolean): ScramClient {
  const channelBinding = bound ? BINDING : null;
  return new ScramClient({ mechanisms, clientNonce: CLIENT_NONCE, channelBinding });
}

function greetedClient(iterationsMax?: number): ScramClient {
  const client = new ScramClient({
    mechanisms: [PLAIN],
    clientNonce: CLIENT_NONCE,
    channelBinding: null,
    ...(iterationsMax === undefined ? {} : { iterationsMax }),
  });
  client.clientFirst();
  return client;
}

function challenge(iterations: number): Uint8Array {
  return toBytes(`r=${NONCE},s=c2FsdA==,i=${iterations}`);
}

/** A client that has sent its proof, and the server's true answer to it. */
function provenClient(): { client: ScramClient; serverFinal: Uint8Array } {
  const server = new ScramServer({
    verifier: VERIFIER,
    serverNonce: SERVER_NONCE,
    channelBinding: null,
  });
  const client = clientFor(server.mechanisms(), false);
  client.onServerFirst(server.start(client.mechanism, client.clientFirst()));
  const { serverFinal } = server.finish(client.clientFinal(KEYS));
  return { client, serverFinal };
}

describe("ScramClient", () => {
  test.each([
    [
      "PLUS where the server offers it and its certificate is known",
      [PLUS, PLAIN],
      true,
      PLUS,
      "p=tls-server-end-point,,",
    ],
    [
      "PLUS wherever it stands in the offer",
      ["X", PLAIN, PLUS],
      true,
      PLUS,
      "p=tls-server-end-point,,",
    ],
    ["no binding where the certificate is not known", [PLUS, PLAIN], false, PLAIN, "n,,"],
    ["no binding where neither side has one", [PLAIN], false, PLAIN, "n,,"],
    ["y where only the server seems to have none", [PLAIN], true, PLAIN, "y,,"],
  ] as const)("chooses %s", (_, offered, bound, mechanism, header) => {
    const client = clientFor(offered, bound);
    expect(client.mechanism).toBe(mechanism);
    expect(toText(client.clientFirst())).toBe(`${header}n=,r=${CLIENT_NONCE}`);
  });

  test.each([
    ["nothing", [], true],
    ["nothing that it speaks", ["SCRAM-SHA-1", "OAUTHBEARER", "scram-sha-256", ""], true],
    ["PLUS alone without a certificate", [PLUS], false],
  ] as const)("refuses a server that offers %s", (_, offered, bound) => {
    expect(() => clientFor(offered, bound)).toThrow(UnsupportedSaslError);
  });

  test("tells how to salt the password", () => {
    const { salt, iterations } = greetedClient().onServerFirst(challenge(4096));
    expect(toText(salt)).toBe("salt");
    expect(iterations).toBe(4096);
  });

  test("trusts the server only once its signature has been checked", () => {
    const { client, serverFinal } = provenClient();
    expect(client.verified).toBeFalse();
    client.onServerFinal(serverFinal);
    expect(client.verified).toBeTrue();
  });
});

describe("ScramClient refuses a challenge", () => {
  test.each([
    ["with a nonce that does not begin with ours", `x${NONCE}`],
    ["with a nonce of another case", NONCE.toLowerCase()],
    ["with our nonce alone", CLIENT_NONCE],
    ["with a part of our nonce", CLIENT_NONCE.slice(0, 8)],
  ])("%s", (_, nonce) => {
    const message = toBytes(`r=${nonce},s=c2FsdA==,i=4096`);
    expect(() => greetedClient().onServerFirst(message)).toThrow(SaslProtocolError);
  });

  test("with a nonce longer than any message may be", () => {
    const message = toBytes(`r=${NONCE}${"x".repeat(100_000)},s=c2FsdA==,i=4096`);
    expect(() => greetedClient().onServerFirst(message)).toThrow(SaslProtocolError);
  });

  test("with a salt longer than any message may be", () => {
    const message = toBytes(`r=${NONCE},s=${"AAAA".repeat(1000)},i=4096`);
    expect(() => greetedClient().onServerFirst(message)).toThrow(SaslProtocolError);
  });

  test("with more iterations than the limit, and takes one that reaches it", () => {
    expect(greetedClient(10).onServerFirst(challenge(10)).iterations).toBe(10);
    expect(() => greetedClient(10).onServerFirst(challenge(11))).toThrow(ScramIterationsError);
    const max = SCRAM_ITERATIONS_MAX_DEFAULT;
    expect(greetedClient().onServerFirst(challenge(max)).iterations).toBe(max);
    for (const iterations of [max + 1, 2_147_483_647, 4_294_967_296, 9_999_999_999])
      expect(() => greetedClient().onServerFirst(challenge(iterations))).toThrow(
        ScramIterationsError,
      );
  });

  test("that is the outcome of an error", () => {
    expect(() => greetedClient().onServerFirst(toBytes("e=other-error"))).toThrow(
      SaslProtocolError,
    );
  });
});

describe("ScramClient refuses a server", () => {
  test("whose signature is wrong in any bit", () => {
    for (let bit = 0; bit < 256; bit += 1) {
      const { client, serverFinal } = provenClient();
      const signature = Buffer.from(toText(serverFinal).slice(2), "base64");
      signature.writeUInt8(signature.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const forged = toBytes(`v=${signature.toString("base64")}`);
      expect(() => client.onServerFinal(forged)).toThrow(ServerSignatureError);
      expect(client.verified).toBeFalse();
    }
  });

  test("that reports an error", () => {
    const { client } = provenClient();
    expect(() => client.onServerFinal(toBytes("e=invalid-proof"))).toThrow(ServerRejectionError);
    expect(client.verified).toBeFalse();
  });

  test.each(["", "v=", "v=AAAA", "x", "\0"])("whose outcome is malformed: %j", (outcome) => {
    const { client } = provenClient();
    expect(() => client.onServerFinal(toBytes(outcome))).toThrow(SaslProtocolError);
    expect(client.verified).toBeFalse();
  });

  test("that knows StoredKey but not ServerKey, as one does who has read the proof of another", () => {
    const impostor = { ...VERIFIER, serverKey: new Uint8Array(32) };
    const server = new ScramServer({
      verifier: impostor,
      serverNonce: SERVER_NONCE,
      channelBinding: null,
    });
    const client = clientFor(server.mechanisms(), false);
    client.onServerFirst(server.start(client.mechanism, client.clientFirst()));
    const { serverFinal } = server.finish(client.clientFinal(KEYS));
    expect(() => client.onServerFinal(serverFinal)).toThrow(ServerSignatureError);
  });
});

describe("ScramClient refuses a message out of turn", () => {
  const CHALLENGE = challenge(4096);

  test("a challenge before its greeting", () => {
    expect(() => clientFor([PLAIN], false).onServerFirst(CHALLENGE)).toThrow(SaslProtocolError);
  });

  test("a second challenge, which would have it prove the password twice", () => {
    const client = greetedClient();
    client.onServerFirst(CHALLENGE);
    expect(() => client.onServerFirst(CHALLENGE)).toThrow(SaslProtocolError);
    expect(() => client.clientFinal(KEYS)).toThrow(AssertionError);
  });

  test("an outcome before the challenge", () => {
    const { serverFinal } = provenClient();
    const client = greetedClient();
    expect(() => client.onServerFinal(serverFinal)).toThrow(SaslProtocolError);
    expect(client.verified).toBeFalse();
  });

  test("an outcome before the proof", () => {
    const { serverFinal } = provenClient();
    const client = greetedClient();
    client.onServerFirst(CHALLENGE);
    expect(() => client.onServerFinal(serverFinal)).toThrow(SaslProtocolError);
  });

  test("a second outcome, which takes its trust away", () => {
    const { client, serverFinal } = provenClient();
    client.onServerFinal(serverFinal);
    expect(() => client.onServerFinal(serverFinal)).toThrow(SaslProtocolError);
    expect(client.verified).toBeFalse();
  });

  test("our own second greeting or proof without a challenge", () => {
    expect(() => greetedClient().clientFirst()).toThrow(AssertionError);
    expect(() => greetedClient().clientFinal(KEYS)).toThrow(AssertionError);
  });
});
