/**
 * Authentication of a client: from our first Authentication message to its proof.
 * Pure. A password in clear text, whose check may take a PBKDF2, is handed to the owner.
 * The identity is fixed before it begins, and nothing a client sends can change it.
 */

import type { ChannelBinding } from "../../auth/channel-binding.ts";
import { InvalidPasswordError } from "../../auth/invalid-password-error.ts";
import { isMd5Response } from "../../auth/md5.ts";
import { ScramServer } from "../../auth/scram-server.ts";
import type { ScramVerifier } from "../../auth/scram-verifier.ts";
import { PoolerError } from "../../base/pooler-error.ts";
import { writeAuthenticationCleartextPassword } from "../../wire/backend/authentication-cleartext-password.ts";
import { writeAuthenticationMD5Password } from "../../wire/backend/authentication-md5-password.ts";
import { writeAuthenticationSASL } from "../../wire/backend/authentication-sasl.ts";
import { writeAuthenticationSASLContinue } from "../../wire/backend/authentication-sasl-continue.ts";
import { writeAuthenticationSASLFinal } from "../../wire/backend/authentication-sasl-final.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import { readPasswordMessage } from "../../wire/frontend/password-message.ts";
import { readSASLInitialResponse } from "../../wire/frontend/sasl-initial-response.ts";
import { readSASLResponse } from "../../wire/frontend/sasl-response.ts";
import { AUTHENTICATION_LENGTH_MAX, LARGE_MESSAGE_LENGTH_MAX } from "../../wire/limits.ts";
import { FRONTEND } from "../../wire/message-type.ts";
import { ProtocolError } from "../../wire/protocol-error.ts";
import { type FrameHandler, MessageFramer } from "../message-framer.ts";

/** How this client has to prove itself. */
export type ClientChallenge =
  | {
      readonly method: "scram-sha-256";
      readonly verifier: ScramVerifier;
      /** Others that do as well; see {@link ScramServer}. */
      readonly alternatives?: readonly ScramVerifier[];
      readonly serverNonce: string;
      readonly channelBinding: ChannelBinding | null;
    }
  | {
      readonly method: "md5";
      readonly verifier: string;
      /** Others that do as well. */
      readonly alternatives?: readonly string[];
      readonly salt: Uint8Array;
    }
  /** Only inside TLS. */
  | { readonly method: "password" };

/** What the login asks of its owner. */
export interface ClientLoginEvents {
  send(bytes: Uint8Array): void;
  /** A password in clear text came: check it. */
  checkPassword(password: string): void;
  /**
   * The proof is right.
   * @param verifier that of the challenge which it fits
   * @param clientKey SCRAM's, by which the client can be represented elsewhere
   * @param saslFinal SCRAM's last message, to be sent before whatever follows
   */
  onProven(
    verifier: ScramVerifier | string,
    clientKey: Uint8Array | null,
    saslFinal: Uint8Array | null,
  ): void;
  /** The proof is wrong. */
  onWrongPassword(): void;
  /** The client broke the protocol. */
  onViolation(error: PoolerError): void;
}

const NO_BYTES = new Uint8Array(0);

/** A message of a login with its type byte. */
const RESPONSE_BYTES_MAX = 1 + AUTHENTICATION_LENGTH_MAX;

type Phase = "initial" | "challenged" | "over";

export class ClientLogin implements FrameHandler {
  readonly #challenge: ClientChallenge;
  readonly #events: ClientLoginEvents;
  readonly #scram: ScramServer | null;
  /** Long messages may come behind the proof; those of the login are measured here. */
  readonly #framer = new MessageFramer(this, LARGE_MESSAGE_LENGTH_MAX + 1, 0);
  #phase: Phase = "initial";
  /** Told when the chunk that decided it is read to its end, so that {@link takeHeld} has all of it. */
  #tellOutcome: (() => void) | null = null;

  constructor(challenge: ClientChallenge, events: ClientLoginEvents) {
    this.#challenge = challenge;
    this.#events = events;
    this.#scram = challenge.method === "scram-sha-256" ? new ScramServer(challenge) : null;
  }

  /** Sends the first Authentication message. */
  start(): void {
    const challenge = this.#challenge;
    const scram = this.#scram;
    this.#send((writer) => {
      if (scram !== null) writeAuthenticationSASL(writer, scram.mechanisms());
      else if (challenge.method === "md5") writeAuthenticationMD5Password(writer, challenge.salt);
      else writeAuthenticationCleartextPassword(writer);
    });
  }

  /** Reads what the client sent, up to its proof. What comes behind it is kept for {@link takeHeld}. */
  feed(chunk: Uint8Array): void {
    this.#framer.feed(chunk);
    const tell = this.#tellOutcome;
    this.#tellOutcome = null;
    tell?.();
  }

  /** How many bytes are kept. */
  get heldBytes(): number {
    return this.#framer.heldBytes;
  }

  /** Takes what came behind the proof: the session reads it. */
  takeHeld(): Uint8Array | null {
    return this.#framer.takeHeld();
  }

  neededBytes(type: number, messageBytes: number): number {
    const unwanted = type !== FRONTEND.PasswordMessage || messageBytes > RESPONSE_BYTES_MAX;
    return this.#phase === "over" || unwanted ? 0 : messageBytes;
  }

  onMessage(
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    messageEnd: number,
  ): boolean {
    if (this.#phase === "over") return false;
    try {
      if (type !== FRONTEND.PasswordMessage) {
        throw new ProtocolError(`expected password response, got message type ${type}`);
      }
      if (messageEnd - start > RESPONSE_BYTES_MAX)
        throw new ProtocolError("invalid password packet size", {
          detail: `A password message has at most ${RESPONSE_BYTES_MAX} bytes.`,
        });
      this.#onResponse(bytes, start, end);
    } catch (error) {
      if (!(error instanceof PoolerError)) throw error;
      if (error instanceof InvalidPasswordError) this.#end(() => this.#events.onWrongPassword());
      else this.#end(() => this.#events.onViolation(error));
    }
    return true;
  }

  onContinuation(): void {
    // The rest of a message that was refused.
  }

  onMalformed(): void {
    const error = new ProtocolError("invalid message length");
    this.#end(() => this.#events.onViolation(error));
  }

  #onResponse(bytes: Uint8Array, start: number, end: number): void {
    const challenge = this.#challenge;
    if (this.#scram !== null) return this.#onScramResponse(this.#scram, bytes, start, end);
    const password = readPasswordMessage(bytes, start, end);
    if (challenge.method !== "md5") return this.#end(() => this.#events.checkPassword(password));
    const { salt, verifier: present, alternatives = [] } = challenge;
    // All are tried, so that how long it takes says nothing of which fits.
    const [verifier] = [present, ...alternatives].flatMap((each) =>
      isMd5Response(each, salt, password) ? [each] : [],
    );
    if (verifier === undefined) throw new InvalidPasswordError();
    this.#end(() => this.#events.onProven(verifier, null, null));
  }

  #onScramResponse(scram: ScramServer, bytes: Uint8Array, start: number, end: number): void {
    if (this.#phase === "initial") {
      const { mechanism, response } = readSASLInitialResponse(bytes, start, end);
      const serverFirst = scram.start(mechanism, response ?? NO_BYTES);
      this.#phase = "challenged";
      this.#send((writer) => writeAuthenticationSASLContinue(writer, serverFirst));
      return;
    }
    const { serverFinal, clientKey, verifier } = scram.finish(readSASLResponse(bytes, start, end));
    const saslFinal = written((writer) => writeAuthenticationSASLFinal(writer, serverFinal));
    this.#end(() => this.#events.onProven(verifier, clientKey, saslFinal));
  }

  /** Nothing more is read here. A later outcome of the same chunk takes the place of an earlier one. */
  #end(tellOutcome: () => void): void {
    this.#phase = "over";
    this.#tellOutcome = tellOutcome;
  }

  #send(write: (writer: ByteWriter) => void): void {
    this.#events.send(written(write));
  }
}

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return writer.take();
}
