/**
 * Logging in at a PostgreSQL server: from our StartupMessage to its first ReadyForQuery.
 * Pure: the slow step, deriving SCRAM keys from a password, is asked of the owner and comes back by
 * {@link ServerLogin.provideKeys}. Nothing that the server says is believed before it is checked: its
 * SCRAM signature, its lengths, its order of messages.
 * Source: "Start-up" and "SASL Authentication" in PostgreSQL's protocol documentation.
 */

import type { ChannelBinding } from "../../auth/channel-binding.ts";
import { md5Response, md5Verifier } from "../../auth/md5.ts";
import { ScramClient } from "../../auth/scram-client.ts";
import type { ScramLoginKeys } from "../../auth/scram-keys.ts";
import type { Secret } from "../../auth/secret.ts";
import { assert } from "../../base/assert.ts";
import { PoolerError } from "../../base/pooler-error.ts";
import { AUTHENTICATION, readAuthenticationKind } from "../../wire/backend/authentication-kind.ts";
import { readAuthenticationMD5Password } from "../../wire/backend/authentication-md5-password.ts";
import { readAuthenticationSASL } from "../../wire/backend/authentication-sasl.ts";
import { readAuthenticationSASLContinue } from "../../wire/backend/authentication-sasl-continue.ts";
import { readAuthenticationSASLFinal } from "../../wire/backend/authentication-sasl-final.ts";
import { readBackendKeyData } from "../../wire/backend/backend-key-data.ts";
import { readErrorResponse } from "../../wire/backend/error-response.ts";
import { readParameterStatus } from "../../wire/backend/parameter-status.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import type { CancelKey } from "../../wire/cancel-key.ts";
import { writePasswordMessage } from "../../wire/frontend/password-message.ts";
import { writeSASLInitialResponse } from "../../wire/frontend/sasl-initial-response.ts";
import { writeSASLResponse } from "../../wire/frontend/sasl-response.ts";
import { writeStartupMessage } from "../../wire/frontend/startup-message.ts";
import { BACKEND } from "../../wire/message-type.ts";
import { type FrameHandler, MessageFramer } from "../message-framer.ts";
import {
  MissingServerPasswordError,
  ServerLoginProtocolError,
  ServerRefusedLoginError,
  UnsupportedServerAuthenticationError,
  VerifierMismatchError,
} from "./server-login-errors.ts";

/** What a server knows us by. */
export interface ServerCredentials {
  readonly user: string;
  readonly database: string;
  /** The user's password or verifier; null: there is none, and only `trust` will do. */
  readonly secret: Secret | null;
  /** Keys that a client proved, where only its verifier is known; null until one has. */
  readonly passedThroughKeys: ScramLoginKeys | null;
}

export interface ServerLoginOptions {
  readonly credentials: ServerCredentials;
  /** Null without TLS. */
  readonly channelBinding: ChannelBinding | null;
  /** Whether the connection is encrypted: a password in clear text goes over no other. */
  readonly encrypted: boolean;
  readonly clientNonce: string;
  /** The most SCRAM iterations that a server may ask for. */
  readonly iterationsMax: number;
}

/** What the login asks of its owner. */
export interface ServerLoginEvents {
  send(bytes: Uint8Array): void;
  /** Derive the keys of `password` and call {@link ServerLogin.provideKeys}. */
  deriveKeys(password: string, salt: Uint8Array, iterations: number): void;
  /**
   * The server is ready for queries.
   * @param surplus what it sent behind its ReadyForQuery, to be read as whatever comes next; null: nothing
   */
  onReady(
    key: CancelKey | null,
    parameters: ReadonlyMap<string, string>,
    surplus: Uint8Array | null,
  ): void;
  /** The login is over, and this connection of no use. */
  onFailed(error: PoolerError): void;
}

/** Each way of authentication leaves `starting`: a server can't begin one and go over to another. */
type Phase = "starting" | "greeted" | "deriving" | "proving" | "authenticated" | "ready" | "failed";

/** No message of a login is longer; PostgreSQL's own are below 2 KB. */
const LOGIN_MESSAGE_BYTES_MAX = 65_536;

/** Servers report some 15 parameters. */
const PARAMETERS_MAX = 256;

export class ServerLogin implements FrameHandler {
  readonly #options: ServerLoginOptions;
  readonly #events: ServerLoginEvents;
  readonly #framer = new MessageFramer(this, LOGIN_MESSAGE_BYTES_MAX, 0);
  readonly #parameters = new Map<string, string>();
  #phase: Phase = "starting";
  #scram: ScramClient | null = null;
  #key: CancelKey | null = null;

  constructor(options: ServerLoginOptions, events: ServerLoginEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** Sends the StartupMessage. The first step. */
  start(): void {
    const { user, database } = this.#options.credentials;
    const writer = new ByteWriter();
    const parameters = [
      ["user", user],
      ["database", database],
    ] as const;
    writeStartupMessage(writer, { major: 3, minor: 0, parameters, protocolOptions: [] });
    this.#events.send(writer.take());
  }

  /** Reads what the server sent. */
  feed(chunk: Uint8Array): void {
    if (this.#phase === "failed") return;
    assert(this.#phase !== "ready", "what comes after the login is not for the login");
    this.#framer.feed(chunk);
    if (this.#isReady()) this.#events.onReady(this.#key, this.#parameters, this.#framer.takeHeld());
  }

  /** The answer to `deriveKeys`. */
  provideKeys(keys: ScramLoginKeys): void {
    if (this.#phase === "failed") return;
    assert(this.#phase === "deriving" && this.#scram !== null, "keys were asked for");
    this.#phase = "proving";
    const scram = this.#scram;
    this.#send((writer) => writeSASLResponse(writer, scram.clientFinal(keys)));
  }

  neededBytes(_type: number, messageBytes: number): number {
    return messageBytes;
  }

  onMessage(type: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#isReady()) return false;
    if (this.#phase === "failed") return true;
    try {
      this.#dispatch(type, bytes, start, end);
    } catch (error) {
      if (!(error instanceof PoolerError)) throw error;
      this.#fail(error);
    }
    return true;
  }

  onContinuation(): void {
    assert(false, "every message of a login is read whole");
  }

  onMalformed(): void {
    this.#fail(new ServerLoginProtocolError("a message length that the protocol does not allow"));
  }

  #dispatch(type: number, bytes: Uint8Array, start: number, end: number): void {
    switch (type) {
      case BACKEND.Authentication:
        return this.#onAuthentication(bytes, start, end);
      case BACKEND.ErrorResponse:
        return this.#fail(new ServerRefusedLoginError(readErrorResponse(bytes, start, end)));
      case BACKEND.NoticeResponse:
        return;
      case BACKEND.ParameterStatus:
        return this.#onParameterStatus(bytes, start, end);
      case BACKEND.BackendKeyData:
        this.#require("authenticated");
        this.#key = readBackendKeyData(bytes, start, end);
        return;
      case BACKEND.ReadyForQuery:
        this.#require("authenticated");
        this.#phase = "ready";
        return;
      default:
        throw new ServerLoginProtocolError("a message that has no place in a login");
    }
  }

  #onParameterStatus(bytes: Uint8Array, start: number, end: number): void {
    this.#require("authenticated");
    const { name, value } = readParameterStatus(bytes, start, end);
    if (this.#parameters.size >= PARAMETERS_MAX)
      throw new ServerLoginProtocolError("too many parameters");
    this.#parameters.set(name, value);
  }

  #onAuthentication(bytes: Uint8Array, start: number, end: number): void {
    const kind = readAuthenticationKind(bytes, start, end);
    switch (kind) {
      case AUTHENTICATION.Ok:
        return this.#onAuthenticated();
      case AUTHENTICATION.CleartextPassword:
        return this.#sendCleartextPassword();
      case AUTHENTICATION.MD5Password:
        return this.#sendMd5Password(readAuthenticationMD5Password(bytes, start, end));
      case AUTHENTICATION.SASL:
        return this.#startScram(readAuthenticationSASL(bytes, start, end));
      case AUTHENTICATION.SASLContinue:
        return this.#onChallenge(readAuthenticationSASLContinue(bytes, start, end));
      case AUTHENTICATION.SASLFinal:
        if (this.#scram === null)
          throw new ServerLoginProtocolError("a SASL outcome that nobody asked for");
        return this.#scram.onServerFinal(readAuthenticationSASLFinal(bytes, start, end));
      default:
        throw new UnsupportedServerAuthenticationError(kind);
    }
  }

  /** A server that skips the end of SCRAM has not shown that it knows the password. */
  #onAuthenticated(): void {
    if (this.#phase !== "starting" && this.#phase !== "proving") {
      throw new ServerLoginProtocolError("an AuthenticationOk out of turn");
    }
    if (this.#scram !== null && !this.#scram.verified) {
      throw new ServerLoginProtocolError("an AuthenticationOk without the server's signature");
    }
    this.#phase = "authenticated";
  }

  #sendCleartextPassword(): void {
    this.#require("starting");
    const { credentials, encrypted } = this.#options;
    if (!encrypted)
      throw new UnsupportedServerAuthenticationError(AUTHENTICATION.CleartextPassword);
    if (credentials.secret?.kind !== "plaintext") throw new MissingServerPasswordError();
    const { password } = credentials.secret;
    this.#phase = "proving";
    this.#send((writer) => writePasswordMessage(writer, password));
  }

  #sendMd5Password(salt: Uint8Array): void {
    this.#require("starting");
    const { secret, user } = this.#options.credentials;
    if (secret === null || secret.kind === "scram") throw new MissingServerPasswordError();
    const verifier = secret.kind === "md5" ? secret.verifier : md5Verifier(user, secret.password);
    this.#phase = "proving";
    this.#send((writer) => writePasswordMessage(writer, md5Response(verifier, salt)));
  }

  #startScram(mechanisms: readonly string[]): void {
    this.#require("starting");
    const { clientNonce, channelBinding, iterationsMax } = this.#options;
    const scram = new ScramClient({ mechanisms, clientNonce, channelBinding, iterationsMax });
    this.#scram = scram;
    this.#phase = "greeted";
    this.#send((writer) => writeSASLInitialResponse(writer, scram.mechanism, scram.clientFirst()));
  }

  #onChallenge(data: Uint8Array): void {
    if (this.#scram === null)
      throw new ServerLoginProtocolError("a SASL challenge that nobody asked for");
    this.#require("greeted");
    const { salt, iterations } = this.#scram.onServerFirst(data);
    const { secret, passedThroughKeys } = this.#options.credentials;
    this.#phase = "deriving";
    if (secret?.kind === "plaintext")
      return this.#events.deriveKeys(secret.password, salt, iterations);
    if (secret?.kind !== "scram" || passedThroughKeys === null)
      throw new MissingServerPasswordError();
    if (
      secret.verifier.iterations !== iterations ||
      !Buffer.from(secret.verifier.salt).equals(salt)
    ) {
      throw new VerifierMismatchError();
    }
    this.provideKeys(passedThroughKeys);
  }

  #isReady(): boolean {
    return this.#phase === "ready";
  }

  #require(phase: Phase): void {
    if (this.#phase !== phase) throw new ServerLoginProtocolError("a message out of turn");
  }

  #send(write: (writer: ByteWriter) => void): void {
    const writer = new ByteWriter();
    write(writer);
    this.#events.send(writer.take());
  }

  #fail(error: PoolerError): void {
    if (this.#phase === "failed") return;
    this.#phase = "failed";
    this.#events.onFailed(error);
  }
}
