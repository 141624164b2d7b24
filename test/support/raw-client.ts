/**
 * A client that speaks the protocol message by message: sends any bytes, cut wherever a test wants,
 * and reads replies one by one. It helps nobody: no state, no waiting that is not asked for.
 */

// oxlint-disable no-await-in-loop -- one thing after the other is the point here

import { pbkdf2Sync, randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { ScramClient } from "../../src/auth/scram-client.ts";
import { scramKeysFromSaltedPassword } from "../../src/auth/scram-keys.ts";
import {
  AUTHENTICATION,
  readAuthenticationKind,
} from "../../src/wire/backend/authentication-kind.ts";
import { readAuthenticationSASL } from "../../src/wire/backend/authentication-sasl.ts";
import { readAuthenticationSASLContinue } from "../../src/wire/backend/authentication-sasl-continue.ts";
import { readAuthenticationSASLFinal } from "../../src/wire/backend/authentication-sasl-final.ts";
import { readBackendKeyData } from "../../src/wire/backend/backend-key-data.ts";
import { ByteWriter } from "../../src/wire/byte-writer.ts";
import { readInt32 } from "../../src/wire/bytes.ts";
import type { CancelKey } from "../../src/wire/cancel-key.ts";
import { writeSASLInitialResponse } from "../../src/wire/frontend/sasl-initial-response.ts";
import { writeSASLResponse } from "../../src/wire/frontend/sasl-response.ts";
import { writeStartupMessage } from "../../src/wire/frontend/startup-message.ts";
import { HEADER_BYTES } from "../../src/wire/limits.ts";
import { BACKEND } from "../../src/wire/message-type.ts";
import { describeReply } from "./describe-reply.ts";
import { query } from "./frontend-messages.ts";

export interface RawTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export interface RawClientOptions {
  readonly parameters?: readonly (readonly [name: string, value: string])[];
  /** Sent in the same write as the last message of the login. */
  readonly early?: Uint8Array;
  /** Sent before all else, as a load balancer does. */
  readonly before?: Uint8Array;
}

/** How a client sends its bytes: whole, or in pieces that reach the other side one by one. */
export type Cuts = "whole" | "bytes" | readonly number[];

const DEADLINE_MS = 10_000;

const NO_BYTES = new Uint8Array(0);

export class RawClient implements AsyncDisposable {
  readonly #socket: Socket;
  #key: CancelKey | null = null;
  readonly #parameters: string[] = [];
  #received: Uint8Array = NO_BYTES;
  /** Whole messages that nobody has taken yet. */
  readonly #replies: Uint8Array[] = [];
  #closed = false;
  #wake: (() => void) | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (bytes: Buffer) => this.#onBytes(bytes));
    socket.on("error", () => this.#onClosed());
    socket.on("close", () => this.#onClosed());
  }

  /** Connects and logs in by SCRAM or trust. Rejects with the server's words if it refuses. */
  static async connect(target: RawTarget, options: RawClientOptions = {}): Promise<RawClient> {
    const client = new RawClient(await openSocket(target));
    await client.#logIn(target, options);
    return client;
  }

  /** Connects and sends nothing. */
  static async open(target: { readonly host: string; readonly port: number }): Promise<RawClient> {
    return new RawClient(await openSocket(target));
  }

  /** Where it comes from. */
  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  /** What a CancelRequest of this client needs. */
  get key(): CancelKey {
    if (this.#key === null) throw new Error("the client has no cancel key");
    return this.#key;
  }

  /** What the server reported during the login, as lines. */
  get parameters(): readonly string[] {
    return this.#parameters;
  }

  /** Whether the other side has ended the connection. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The bytes of a message that is not complete yet. */
  get partial(): Uint8Array {
    return this.#received;
  }

  /** Sends bytes. In pieces, the other side has time to read each before the next one leaves. */
  async send(bytes: Uint8Array, cuts: Cuts = "whole"): Promise<void> {
    if (cuts === "whole") {
      this.#socket.write(bytes);
      return;
    }
    const ends = cuts === "bytes" ? bytes.keys() : cuts;
    let from = 0;
    for (const end of [...ends, bytes.length]) {
      if (end <= from) continue;
      this.#socket.write(bytes.subarray(from, end));
      from = end;
      await nextTurn();
    }
  }

  /** Returns the next message, or null once the connection is closed and all is read. */
  async next(): Promise<Uint8Array | null> {
    const reply = this.#replies.shift();
    if (reply !== undefined) return reply;
    if (this.#closed) return null;
    await this.#nextEvent();
    return this.next();
  }

  /** Returns the next message as a line, "closed" at the end. */
  async nextLine(): Promise<string> {
    const reply = await this.next();
    return reply === null ? "closed" : describeReply(reply);
  }

  /** Returns the lines up to the one that begins with `last`, or to the end of the connection. */
  async linesUntil(last: string): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      let line: string;
      try {
        line = await this.nextLine();
      } catch (error) {
        throw new Error(`waited for ${last} after:\n${lines.join("\n")}`, { cause: error });
      }
      lines.push(line);
      if (line === "closed" || line.startsWith(last)) return lines;
    }
  }

  /** Returns the lines of so many replies that end with ReadyForQuery. */
  async untilReady(count = 1): Promise<string[]> {
    const lines: string[] = [];
    for (let ready = 0; ready < count; ready += 1) {
      lines.push(...(await this.linesUntil("ReadyForQuery")));
      if (lines.at(-1) === "closed") break;
    }
    return lines;
  }

  /** Sends, and returns the lines up to so many ReadyForQuery. */
  async run(bytes: Uint8Array, ready = 1, cuts: Cuts = "whole"): Promise<string[]> {
    await this.send(bytes, cuts);
    return this.untilReady(ready);
  }

  /** Sends, and returns the first message of what comes up to ReadyForQuery. */
  async replyTo(bytes: Uint8Array): Promise<Uint8Array> {
    await this.send(bytes);
    const reply = await this.next();
    if (reply === null) throw new Error("the connection was closed");
    await this.untilReady();
    return reply;
  }

  /** Returns the process that its queries run in. Behind a pooler it stays true within a transaction only. */
  async serverProcessId(): Promise<number> {
    const lines = await this.run(query("select pg_backend_pid()"));
    const row = lines.find((line) => line.startsWith("DataRow")) ?? "";
    return Number(/\d+/.exec(row)?.[0]);
  }

  /** Resolves when the other side has closed; returns what it said before. */
  async untilClosed(): Promise<string[]> {
    return this.linesUntil("closed");
  }

  /** Reads no more from its socket, as a client does that is busy with something else. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Resolves when all that was sent has left this process; false if it has not within `timeoutMs`. */
  async flushed(timeoutMs: number): Promise<boolean> {
    if (this.#socket.writableLength === 0) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), timeoutMs);
    this.#socket.once("drain", () => resolve(true));
    const drained = await promise;
    clearTimeout(timer);
    return drained;
  }

  /** Vanishes: no Terminate, and a reset where `rudely`. */
  disappear(rudely = false): void {
    if (rudely) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    if (!this.#closed) await this.#nextEvent();
  }

  async #logIn(target: RawTarget, options: RawClientOptions): Promise<void> {
    await this.send(Buffer.concat([options.before ?? NO_BYTES, startup(target, options)]));
    let scram: ScramClient | null = null;
    for (;;) {
      const message = await this.next();
      if (message === null) throw new Error("the connection was closed during the login");
      const type = message[0];
      if (type === BACKEND.ErrorResponse) throw new Error(describeReply(message));
      if (type === BACKEND.BackendKeyData)
        this.#key = readBackendKeyData(message, 0, message.length);
      if (type === BACKEND.ParameterStatus) this.#parameters.push(describeReply(message));
      if (type === BACKEND.ReadyForQuery) return;
      if (type === BACKEND.Authentication)
        scram = await this.#authenticate(message, scram, target.password, options);
    }
  }

  async #authenticate(
    message: Uint8Array,
    scram: ScramClient | null,
    password: string,
    { early = NO_BYTES }: RawClientOptions,
  ): Promise<ScramClient | null> {
    const end = message.length;
    const writer = new ByteWriter();
    switch (readAuthenticationKind(message, 0, end)) {
      case AUTHENTICATION.SASL: {
        const mechanisms = readAuthenticationSASL(message, 0, end);
        const clientNonce = randomBytes(18).toString("base64");
        const begun = new ScramClient({ mechanisms, clientNonce, channelBinding: null });
        writeSASLInitialResponse(writer, begun.mechanism, begun.clientFirst());
        await this.send(writer.take());
        return begun;
      }
      case AUTHENTICATION.SASLContinue: {
        if (scram === null) throw new Error("a SASL challenge out of turn");
        const challenge = scram.onServerFirst(readAuthenticationSASLContinue(message, 0, end));
        const { salt, iterations } = challenge;
        const salted = pbkdf2Sync(password, salt, iterations, 32, "sha256");
        writeSASLResponse(writer, scram.clientFinal(scramKeysFromSaltedPassword(salted)));
        writer.bytes(early);
        await this.send(writer.take());
        return scram;
      }
      case AUTHENTICATION.SASLFinal:
        scram?.onServerFinal(readAuthenticationSASLFinal(message, 0, end));
        return scram;
      default:
        return scram;
    }
  }

  #onBytes(chunk: Uint8Array): void {
    let bytes: Uint8Array =
      this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    while (bytes.length >= HEADER_BYTES) {
      const end = 1 + readInt32(bytes, 1);
      if (bytes.length < end) break;
      this.#replies.push(new Uint8Array(bytes.subarray(0, end)));
      bytes = bytes.subarray(end);
    }
    this.#received = bytes;
    this.#wake?.();
  }

  #onClosed(): void {
    this.#closed = true;
    this.#wake?.();
  }

  async #nextEvent(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(
      () => reject(new Error(`nothing came for ${DEADLINE_MS} ms`)),
      DEADLINE_MS,
    );
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#wake = null;
    }
  }
}

/** Resolves in a later turn of the event loop: a pooler in this process has read its sockets by then. */
export async function nextTurn(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}

function startup(target: RawTarget, options: RawClientOptions): Uint8Array {
  const writer = new ByteWriter();
  const { user, database } = target;
  const parameters = [
    ["user", user],
    ["database", database],
    ...(options.parameters ?? []),
  ] as const;
  writeStartupMessage(writer, { major: 3, minor: 0, parameters, protocolOptions: [] });
  return writer.take();
}

async function openSocket(target: { host: string; port: number }): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = connect(target.port, target.host);
  socket.once("connect", () => resolve(socket));
  socket.once("error", reject);
  return promise;
}
