/**
 * A client between its StartupMessage and its session: who is it, may it, can it prove it?
 * For a tenant or a user that does not exist the same steps are taken with a mock verifier.
 */

import { encodeBase64 } from "../../auth/base64.ts";
import type { ChannelBinding } from "../../auth/channel-binding.ts";
import { TLS_SERVER_END_POINT } from "../../auth/channel-binding.ts";
import type { ScramLoginKeys } from "../../auth/scram-keys.ts";
import type { ScramVerifier } from "../../auth/scram-verifier.ts";
import type { Secret } from "../../auth/secret.ts";
import type { Timer } from "../../base/clock.ts";
import { PoolerError } from "../../base/pooler-error.ts";
import type { Random } from "../../base/random.ts";
import type { Channel, ChannelHandler } from "../../net/channel.ts";
import type { ChannelOpening } from "../../net/channel-opening.ts";
import {
  type ClientChallenge,
  ClientLogin,
  type ClientLoginEvents,
} from "../../session/login/client-login.ts";
import { errorResponseOf } from "../../wire/backend/error-response.ts";
import {
  AuthenticationFailedError,
  CleartextPasswordError,
  InternalError,
  Md5NameError,
} from "../proxy-errors.ts";
import {
  type LoginVerifiers,
  loginVerifiers,
  md5Alternatives,
  passwordKeys,
  scramAlternatives,
  secretOfPassword,
} from "./login-verifiers.ts";
import type { UserSecrets } from "./user-secrets.ts";
import type { Verifiers } from "./verifiers.ts";

export type ClientAuthMethod = "scram-sha-256" | "password";

/** Who the client says it is. */
export interface ClientIdentity {
  readonly opening: ChannelOpening;
  /** The role whose md5 verifier a password would make. */
  readonly role: string;
  /** The secret is null: there is no such tenant or user, or it has none. */
  readonly secrets: UserSecrets;
}

/** What a client has proven itself by, and what came of it. */
export interface ClientProof {
  /** Which of its secrets it has. */
  readonly secret: Secret;
  /** By which it can be represented at its server; null: SCRAM was not the way. */
  readonly keys: ScramLoginKeys | null;
  /** What it sent behind its proof. */
  readonly early: Uint8Array | null;
  /** AuthenticationSASLFinal: leaves in one write with what the client is told next. Null: there is none. */
  readonly saslFinal: Uint8Array | null;
}

export interface ClientAuthenticationOptions {
  readonly channel: Channel;
  readonly identity: ClientIdentity;
  readonly method: ClientAuthMethod;
  /** The password is a token, of which somebody else knows whether it is right; null: it is the user's own. */
  readonly checkToken: ((token: string) => Promise<boolean>) | null;
  readonly timer: Timer;
  readonly random: Random;
  readonly verifiers: Verifiers;
  /** The client is who it says. */
  readonly onAuthenticated: (proof: ClientProof) => void;
  readonly onFailed: (error: PoolerError | null) => void;
}

const NONCE_BYTES = 18;
const MD5_SALT_BYTES = 4;

/** What a client may send behind its proof before it is in. */
const EARLY_BYTES_MAX = 65_536;

export class ClientAuthentication implements ChannelHandler, ClientLoginEvents {
  readonly #options: ClientAuthenticationOptions;
  #login: ClientLogin | null = null;
  /** What its proof is held against; null before that is known, and where it is MD5. */
  #verifiers: LoginVerifiers | null = null;
  #over = false;

  /** Begins at once. */
  constructor(options: ClientAuthenticationOptions) {
    this.#options = options;
    options.channel.handler = this;
    this.#begin();
  }

  onBytes(bytes: Uint8Array): void {
    if (this.#login === null)
      return this.fail(new InternalError(new Error("bytes before the challenge")));
    this.#login.feed(bytes);
    if (this.#login.heldBytes > EARLY_BYTES_MAX) this.#options.channel.pause();
  }

  onDrained(): void {
    // The messages of a login never wait.
  }

  onClosed(): void {
    this.#finish();
    this.#options.onFailed(null);
  }

  send(bytes: Uint8Array): void {
    this.#options.channel.write(bytes, 0, bytes.length);
  }

  checkPassword(password: string): void {
    void this.#checkPassword(password);
  }

  onProven(
    verifier: ScramVerifier | string,
    clientKey: Uint8Array | null,
    saslFinal: Uint8Array | null,
  ): void {
    if (this.#over) return;
    const secret =
      typeof verifier === "string" ? this.#md5Secret(verifier) : this.#scramSecret(verifier);
    if (secret === null) return this.onWrongPassword();
    const keys =
      clientKey === null || typeof verifier === "string"
        ? null
        : { clientKey, serverKey: verifier.serverKey };
    this.#succeed({ secret, keys, saslFinal });
  }

  onWrongPassword(): void {
    const { waysTried } = this.#options.identity.opening;
    // Which part of the name was found to be a tenant is nobody's business.
    this.fail(new AuthenticationFailedError(this.#nameSent(), waysTried));
  }

  onViolation(error: PoolerError): void {
    this.fail(error);
  }

  #succeed(proof: Omit<ClientProof, "early">): void {
    const early = this.#login?.takeHeld() ?? null;
    this.#finish();
    this.#options.channel.resume();
    this.#options.onAuthenticated({ ...proof, early });
  }

  /** Null: the verifier is a mock one, which nobody can fit. */
  #scramSecret(verifier: ScramVerifier): Secret | null {
    return this.#verifiers?.find((each) => each.verifier === verifier)?.secret ?? null;
  }

  #md5Secret(verifier: string): Secret | null {
    const { secret, previous } = this.#options.identity.secrets;
    return secret?.kind === "md5" && secret.verifier === verifier ? secret : previous;
  }

  /** Ends the connection and says why. */
  fail(error: PoolerError): void {
    if (this.#over) return;
    this.#finish();
    const message = errorResponseOf(error);
    this.#options.channel.write(message, 0, message.length);
    this.#options.channel.close();
    this.#options.onFailed(error);
  }

  #begin(): void {
    try {
      const challenge = this.#challenge();
      if (challenge instanceof Promise) void this.#beginLater(challenge);
      else this.#start(challenge);
    } catch (error) {
      this.#failFor(error);
    }
  }

  async #beginLater(challenge: Promise<ClientChallenge>): Promise<void> {
    // Nothing of the client's is read before there is a challenge that it answers.
    this.#options.channel.pause();
    try {
      const made = await challenge;
      if (!this.#over) this.#start(made);
    } catch (error) {
      this.#failFor(error);
    }
  }

  #start(challenge: ClientChallenge): void {
    const { channel, identity } = this.#options;
    const login = new ClientLogin(challenge, this);
    this.#login = login;
    login.start();
    if (identity.opening.early !== null) login.feed(identity.opening.early);
    channel.resume();
  }

  /** A promise where a verifier has to be derived first. */
  #challenge(): ClientChallenge | Promise<ClientChallenge> {
    const { method, identity } = this.#options;
    const { secrets, opening, role } = identity;
    if (method === "password") {
      if (opening.tls === null) throw new CleartextPasswordError();
      return { method: "password" };
    }
    if (secrets.secret?.kind === "md5")
      return this.#md5Challenge(secrets.secret.verifier, md5Alternatives(secrets.previous, role));
    const verifiers = this.#loginVerifiers();
    return verifiers instanceof Promise
      ? verifiers.then((derived) => this.#scramChallenge(derived))
      : this.#scramChallenge(verifiers);
  }

  #scramChallenge(verifiers: LoginVerifiers): ClientChallenge {
    this.#verifiers = verifiers;
    return {
      method: "scram-sha-256",
      verifier: verifiers[0].verifier,
      alternatives: scramAlternatives(verifiers),
      serverNonce: encodeBase64(this.#options.random.bytes(NONCE_BYTES)),
      channelBinding: this.#channelBinding(),
    };
  }

  /**
   * Clients hash the password with the name that they send, `user.tenant` perhaps, and the verifier was
   * hashed with the role's: where these differ, only the password itself can be checked.
   */
  #md5Challenge(verifier: string, alternatives: readonly string[]): ClientChallenge {
    const { random, identity } = this.#options;
    if (this.#nameSent() === identity.role)
      return { method: "md5", verifier, alternatives, salt: random.bytes(MD5_SALT_BYTES) };
    if (identity.opening.tls === null) throw new Md5NameError();
    return { method: "password" };
  }

  /** The user as the client wrote it. */
  #nameSent(): string {
    return this.#options.identity.opening.parameters.find(([name]) => name === "user")?.[1] ?? "";
  }

  #loginVerifiers(): LoginVerifiers | Promise<LoginVerifiers> {
    const { identity, verifiers } = this.#options;
    return loginVerifiers(identity.secrets, identity.opening.claim, verifiers);
  }

  #channelBinding(): ChannelBinding | null {
    const hash = this.#options.identity.opening.tls?.serverCertificateHash ?? null;
    return hash === null ? null : { type: TLS_SERVER_END_POINT, data: hash };
  }

  /** The same work whether the user exists or not: a PBKDF2 against a verifier. */
  async #checkPassword(password: string): Promise<void> {
    try {
      const secret = await this.#secretOf(password);
      if (this.#over) return;
      if (secret === null) return this.onWrongPassword();
      const keys = await passwordKeys(secret, password);
      if (!this.#over) this.#succeed({ secret, keys, saslFinal: null });
    } catch (error) {
      this.#failFor(error);
    }
  }

  async #secretOf(password: string): Promise<Secret | null> {
    const { identity, checkToken } = this.#options;
    if (checkToken === null)
      return secretOfPassword(password, identity.role, await this.#loginVerifiers());
    return (await checkToken(password)) ? { kind: "plaintext", password } : null;
  }

  #failFor(error: unknown): void {
    this.fail(error instanceof PoolerError ? error : new InternalError(error));
  }

  #finish(): void {
    this.#over = true;
    this.#options.timer.cancel();
  }
}
