import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import type { ChannelBinding } from "../../src/auth/channel-binding.ts";
import { ScramClient } from "../../src/auth/scram-client.ts";
import { type ScramLoginKeys, scramKeysFromSaltedPassword } from "../../src/auth/scram-keys.ts";
import { ScramServer } from "../../src/auth/scram-server.ts";
import type { ScramVerifier } from "../../src/auth/scram-verifier.ts";
import { PoolerError } from "../../src/base/pooler-error.ts";
import { verifierOf } from "./login.ts";
import { saltPassword } from "./salted-password.ts";

interface Login {
  readonly password: string;
  readonly verifier: ScramVerifier;
  readonly clientNonce: string;
  readonly serverNonce: string;
  readonly channelBinding: ChannelBinding | null;
}

/** Changes a message on its way, or doesn't. `step` counts from 0. */
type Wire = (step: number, message: Uint8Array) => Uint8Array;

const HONEST: Wire = (_, message) => message;

const nonces = fc.stringMatching(/^[\x21-\x2b\x2d-\x7e]{1,64}$/);

const bindings = fc
  .uint8Array({ minLength: 28, maxLength: 64 })
  .map((data): ChannelBinding => ({ type: "tls-server-end-point", data }));

const logins: fc.Arbitrary<Login> = fc
  .record({
    password: fc.string({ unit: "binary", maxLength: 40 }),
    salt: fc.uint8Array({ minLength: 1, maxLength: 64 }),
    iterations: fc.integer({ min: 1, max: 20 }),
    clientNonce: nonces,
    serverNonce: nonces,
    channelBinding: fc.option(bindings),
  })
  .map(({ password, salt, iterations, clientNonce, serverNonce, channelBinding }) => {
    const verifier = verifierOf(password, salt, iterations);
    return { password, verifier, clientNonce, serverNonce, channelBinding };
  });

/** Runs one login over `wire`; returns the key that the server recovered. */
function logIn(login: Login, wire: Wire, keysFor?: ScramLoginKeys): Uint8Array {
  const server = new ScramServer(login);
  const client = new ScramClient({ ...login, mechanisms: server.mechanisms(), iterationsMax: 100 });
  const serverFirst = server.start(client.mechanism, wire(0, client.clientFirst()));
  const { salt, iterations } = client.onServerFirst(wire(1, serverFirst));
  const salted = saltPassword(login.password, salt, iterations);
  const clientFinal = client.clientFinal(keysFor ?? scramKeysFromSaltedPassword(salted));
  const { serverFinal, clientKey } = server.finish(wire(2, clientFinal));
  client.onServerFinal(wire(3, serverFinal));
  expect(client.verified).toBeTrue();
  return clientKey;
}

describe("ScramClient against ScramServer", () => {
  test("agree on any password, salt, iteration count, nonces and channel binding", () => {
    fc.assert(
      fc.property(logins, (login) => {
        const { salt, iterations } = login.verifier;
        const salted = saltPassword(login.password, salt, iterations);
        const expected = scramKeysFromSaltedPassword(salted).clientKey;
        expect(Buffer.compare(logIn(login, HONEST), expected)).toBe(0);
      }),
    );
  });

  test("pass a login through: the recovered key logs in where the same verifier is stored", () => {
    fc.assert(
      fc.property(logins, nonces, (login, nonce) => {
        const keys = { clientKey: logIn(login, HONEST), serverKey: login.verifier.serverKey };
        const onward = { ...login, password: "not known", clientNonce: nonce };
        expect(Buffer.compare(logIn(onward, HONEST, keys), keys.clientKey)).toBe(0);
      }),
    );
  });

  test("never agree when one byte of one message was changed on its way", () => {
    const changes = fc.record({
      step: fc.nat(3),
      position: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      difference: fc.integer({ min: 1, max: 255 }),
    });
    fc.assert(
      fc.property(logins, changes, (login, change) => {
        const wire: Wire = (step, message) => {
          if (step !== change.step) return message;
          const index = Math.floor(change.position * message.byteLength);
          return message.map((byte, at) => (at === index ? byte ^ change.difference : byte));
        };
        expect(() => logIn(login, wire)).toThrow(PoolerError);
      }),
      { numRuns: 1000 },
    );
  });

  test("never agree when one message was cut short on its way", () => {
    fc.assert(
      fc.property(logins, fc.nat(3), fc.nat(), (login, cutStep, length) => {
        const wire: Wire = (step, message) =>
          step === cutStep ? message.subarray(0, length % message.byteLength) : message;
        expect(() => logIn(login, wire)).toThrow(PoolerError);
      }),
      { numRuns: 300 },
    );
  });

  test("never agree when their channel bindings differ", () => {
    fc.assert(
      fc.property(logins, bindings, bindings, (login, ours, theirs) => {
        fc.pre(Buffer.compare(ours.data, theirs.data) !== 0);
        const server = new ScramServer({ ...login, channelBinding: ours });
        const client = new ScramClient({
          ...login,
          channelBinding: theirs,
          mechanisms: server.mechanisms(),
        });
        const serverFirst = server.start(client.mechanism, client.clientFirst());
        const { salt, iterations } = client.onServerFirst(serverFirst);
        const salted = saltPassword(login.password, salt, iterations);
        const clientFinal = client.clientFinal(scramKeysFromSaltedPassword(salted));
        expect(() => server.finish(clientFinal)).toThrow(PoolerError);
      }),
    );
  });
});
