/**
 * Logins at a server whose messages a test writes, step by step.
 */

import { expect } from "bun:test";
import { scramKeysFromSaltedPassword } from "../../../src/auth/scram-keys.ts";
import { ScramServer } from "../../../src/auth/scram-server.ts";
import type { Secret } from "../../../src/auth/secret.ts";
import type { PoolerError } from "../../../src/base/pooler-error.ts";
import { ServerLogin, type ServerLoginOptions } from "../../../src/session/login/server-login.ts";
import { beginAuthentication } from "../../../src/wire/backend/authentication-kind.ts";
import { ByteWriter } from "../../../src/wire/byte-writer.ts";
import { readSASLInitialResponse } from "../../../src/wire/frontend/sasl-initial-response.ts";
import { readSASLResponse } from "../../../src/wire/frontend/sasl-response.ts";
import { BACKEND } from "../../../src/wire/message-type.ts";
import { CLIENT_NONCE, SERVER_NONCE, verifierOf } from "../../auth/login.ts";
import { saltPassword } from "../../auth/salted-password.ts";
import { message, readyForQuery } from "./backend-messages.ts";

export const PASSWORD = "pencil";

/** An Authentication message of this kind. */
export function authentication(kind: number, data: Uint8Array | string = ""): Uint8Array {
  const writer = new ByteWriter();
  beginAuthentication(writer, kind);
  writer.bytes(Buffer.from(data));
  writer.end();
  return writer.take();
}

export const OK = authentication(0);
export const CLEARTEXT = authentication(3);
export const MD5 = authentication(5, Uint8Array.of(1, 2, 3, 4));
export const SASL = authentication(10, "SCRAM-SHA-256\0\0");
export const KEY = message(BACKEND.BackendKeyData, Uint8Array.of(0, 0, 0, 7, 1, 2, 3, 4));
export const READY = readyForQuery("I");

interface Derivation {
  readonly password: string;
  readonly salt: Uint8Array;
  readonly iterations: number;
}

/** A login with everything that it asked for and came to. */
export class Login {
  readonly sent: Uint8Array[] = [];
  readonly derivations: Derivation[] = [];
  readonly errors: PoolerError[] = [];
  readonly outcomes: {
    readonly processId: number | undefined;
    readonly parameters: Record<string, string>;
    readonly surplus: Uint8Array | null;
  }[] = [];
  readonly login: ServerLogin;

  constructor(secret: Secret | null, options: Partial<ServerLoginOptions> = {}) {
    const credentials = { user: "u", database: "d", secret, passedThroughKeys: null };
    this.login = new ServerLogin(
      {
        credentials,
        channelBinding: null,
        encrypted: false,
        clientNonce: CLIENT_NONCE,
        iterationsMax: 100,
        ...options,
      },
      {
        send: (bytes) => this.sent.push(bytes),
        deriveKeys: (password, salt, iterations) =>
          this.derivations.push({ password, salt, iterations }),
        onReady: (key, parameters, surplus) =>
          this.outcomes.push({
            processId: key?.processId,
            parameters: Object.fromEntries(parameters),
            surplus,
          }),
        onFailed: (error) => this.errors.push(error),
      },
    );
    this.login.start();
  }

  feed(...messages: readonly Uint8Array[]): this {
    for (const bytes of messages) this.login.feed(bytes);
    return this;
  }

  get last(): Uint8Array {
    return this.sent.at(-1) ?? new Uint8Array(0);
  }

  /** Answers the last derivation as PBKDF2 would. */
  deriveKeys(): void {
    const { password, salt, iterations } = this.derivations[0] ?? fail();
    const salted = saltPassword(password, salt, iterations);
    this.login.provideKeys(scramKeysFromSaltedPassword(salted));
  }

  /** Fails once, with this SQLSTATE and these words, and is deaf afterwards. */
  expectRefused(sqlstate: string, words: string): void {
    expect(this.errors.map((error) => error.sqlstate)).toEqual([sqlstate]);
    expect(this.errors[0]?.logText).toContain(words);
    const sent = this.sent.length;
    this.feed(OK, KEY, READY);
    expect(this.sent).toHaveLength(sent);
    expect(this.errors).toHaveLength(1);
    expect(this.outcomes).toHaveLength(0);
  }
}

function fail(): never {
  throw new Error("keys were not asked for");
}

export const plaintext: Secret = { kind: "plaintext", password: PASSWORD };

/** A login and PostgreSQL's side of its SCRAM exchange, up to the server's challenge. */
export function challenged(
  secret: Secret | null = plaintext,
  options: Partial<ServerLoginOptions> = {},
) {
  const login = new Login(secret, options).feed(SASL);
  const server = new ScramServer({
    verifier: verifierOf(PASSWORD),
    serverNonce: SERVER_NONCE,
    channelBinding: null,
  });
  const { mechanism, response } = readSASLInitialResponse(login.last, 0, login.last.length);
  const serverFirst = server.start(mechanism, response ?? new Uint8Array(0));
  return { login, server, serverFirst };
}

/** The same, up to the server's signature. */
export function proven() {
  const { login, server, serverFirst } = challenged();
  login.feed(authentication(11, serverFirst));
  login.deriveKeys();
  const { serverFinal } = server.finish(readSASLResponse(login.last, 0, login.last.length));
  return { login, serverFinal };
}
