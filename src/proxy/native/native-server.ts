/**
 * The server's side of a native client's pipe: reads what PostgreSQL says until it has let the client in; from
 * then on bytes are passed on unread.
 */

import { SCRAM_SHA_256_PLUS } from "../../auth/scram-mechanism.ts";
import { PoolerError } from "../../base/pooler-error.ts";
import { SQLSTATE, type SqlState } from "../../base/sqlstate.ts";
import type { Channel, ChannelHandler } from "../../net/channel.ts";
import type { Transport } from "../../net/transport.ts";
import { ServerLoginProtocolError } from "../../session/login/server-login-errors.ts";
import { type FrameHandler, MessageFramer } from "../../session/message-framer.ts";
import { AUTHENTICATION, readAuthenticationKind } from "../../wire/backend/authentication-kind.ts";
import {
  readAuthenticationSASL,
  writeAuthenticationSASL,
} from "../../wire/backend/authentication-sasl.ts";
import { readBackendKeyData } from "../../wire/backend/backend-key-data.ts";
import type { ErrorFields } from "../../wire/backend/error-fields.ts";
import { readErrorResponse, writeErrorResponse } from "../../wire/backend/error-response.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import type { CancelKey } from "../../wire/cancel-key.ts";
import { SHORT_REPLY_LENGTH_MAX } from "../../wire/limits.ts";
import { BACKEND } from "../../wire/message-type.ts";
import { ProtocolError } from "../../wire/protocol-error.ts";
import { ServerClosedDuringLoginError } from "../server/server-opening.ts";

const UNBOUND_HINT =
  "In native mode the client's TLS ends at the pooler and another begins there, so the login cannot be bound to it. Connect with channel_binding=disable.";

/** The pipe, as its server's side has it. */
export interface NativeLogin {
  /** Asks whether the client, which the server has let in, may stay; null: nobody is to be asked. */
  mayStay(): Promise<void> | null;
  /** The client is in. Returns whether it may stay; if not, it is gone now. */
  enter(): boolean;
  /** As {@link end}, for whatever was thrown. */
  fail(error: unknown): void;
  /** The server says that it does not let the client in. */
  refused(sqlstate: SqlState | null): void;
  /** Ends the connection and says why. */
  end(error: PoolerError): void;
  /** The server's side is gone. */
  onServerClosed(): void;
  /** The server takes bytes again. */
  onServerDrained(): void;
  /** Returns the message to send to the client instead of the server's BackendKeyData. */
  replaceKey(key: CancelKey): Uint8Array;
}

/** The server's side: reads messages until the client is in, then bytes. */
export class NativeServer implements ChannelHandler, FrameHandler {
  readonly #pipe: NativeLogin;
  readonly #server: Transport;
  readonly #channel: Channel;
  #framer: MessageFramer | null;
  /** What the server says while others are asked whether the client may stay; null: nobody is asked. */
  #kept: Uint8Array[] | null = null;
  /** Something of the present chunk is held back by the client's side. */
  #blocked = false;
  /** The server has said itself why the login fails. */
  #refused = false;
  /** SCRAM-SHA-256-PLUS was taken from the server's offer, to which the client has yet to react. */
  #bindingWithheld = false;

  constructor(pipe: NativeLogin, server: Transport, channel: Channel) {
    this.#pipe = pipe;
    this.#server = server;
    this.#channel = channel;
    this.#framer = new MessageFramer(this, SHORT_REPLY_LENGTH_MAX, 0);
  }

  onBytes(bytes: Uint8Array): void {
    this.#blocked = false;
    if (this.#kept !== null) this.#kept.push(bytes);
    else if (this.#framer === null) this.#pass(bytes, 0, bytes.length);
    else this.#read(this.#framer, bytes);
    if (this.#blocked || this.#kept !== null) this.#server.pause();
  }

  onDrained(): void {
    this.#pipe.onServerDrained();
  }

  onClosed(): void {
    const isEarly = this.#framer !== null && !this.#refused;
    if (isEarly) this.#pipe.end(new ServerClosedDuringLoginError());
    this.#pipe.onServerClosed();
  }

  neededBytes(_type: number, messageBytes: number): number {
    return messageBytes;
  }

  onMessage(type: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (type === BACKEND.ReadyForQuery) {
      // The client is in: this and all behind it are passed on unread.
      this.#framer = null;
      const asked = this.#pipe.mayStay();
      if (asked === null) this.#enter([bytes.subarray(start)]);
      else void this.#enterLater(asked, bytes.subarray(start));
      return false;
    }
    const replacement = this.#replacement(type, bytes, start, end);
    if (replacement === null) this.#pass(bytes, start, end);
    else this.#pass(replacement, 0, replacement.length);
    return true;
  }

  onContinuation(): void {
    // Every message of a login is read whole.
  }

  onMalformed(): void {
    this.#pipe.end(new ServerLoginProtocolError("a length that the protocol does not allow"));
  }

  #read(framer: MessageFramer, bytes: Uint8Array): void {
    try {
      framer.feed(bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#pipe.end(new ServerLoginProtocolError(error.message));
    }
  }

  /** Returns what to send to the client in place of this message; null: the message itself. */
  #replacement(type: number, bytes: Uint8Array, start: number, end: number): Uint8Array | null {
    switch (type) {
      case BACKEND.BackendKeyData:
        return this.#pipe.replaceKey(readBackendKeyData(bytes, start, end));
      case BACKEND.Authentication:
        return this.#authentication(bytes, start, end);
      case BACKEND.ErrorResponse:
        return this.#onRefused(readErrorResponse(bytes, start, end));
      default:
        return null;
    }
  }

  #onRefused(refusal: ErrorFields): Uint8Array | null {
    this.#refused = true;
    this.#pipe.refused(refusal.sqlstate ?? null);
    return this.#bindingWithheld ? explained(refusal) : null;
  }

  #authentication(bytes: Uint8Array, start: number, end: number): Uint8Array | null {
    const isOffer = readAuthenticationKind(bytes, start, end) === AUTHENTICATION.SASL;
    const offered = isOffer ? readAuthenticationSASL(bytes, start, end) : [];
    this.#bindingWithheld = offered.includes(SCRAM_SHA_256_PLUS);
    if (!this.#bindingWithheld) return null;
    const writer = new ByteWriter();
    const kept = offered.filter((mechanism) => mechanism !== SCRAM_SHA_256_PLUS);
    writeAuthenticationSASL(writer, kept);
    return writer.take();
  }

  /** @param heard what the server has said from the end of the login on */
  #enter(heard: readonly Uint8Array[]): void {
    if (!this.#pipe.enter()) return;
    for (const bytes of heard) this.#pass(bytes, 0, bytes.length);
  }

  async #enterLater(asked: Promise<void>, bytes: Uint8Array): Promise<void> {
    const kept = [bytes];
    this.#kept = kept;
    try {
      await asked;
      this.#kept = null;
      this.#enter(kept);
      if (!this.#blocked) this.#server.resume();
    } catch (error) {
      this.#pipe.fail(error);
    }
  }

  #pass(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#channel.write(bytes, start, end)) this.#blocked = true;
  }
}

/**
 * The server's refusal of a client that said, as libpq does, that it would have bound to its channel
 * (gs2 flag `y`): to the server that looks like an attack, and the client's signature covers what it said.
 * So the client itself has to do without. Any other refusal is passed on as it is.
 */
function explained(refusal: ErrorFields): Uint8Array | null {
  const { severity = "FATAL", sqlstate, message = "" } = refusal;
  if (sqlstate !== SQLSTATE.invalid_authorization_specification) return null;
  const writer = new ByteWriter();
  writeErrorResponse(writer, { ...refusal, severity, sqlstate, message, hint: UNBOUND_HINT });
  return writer.take();
}
