/**
 * A fast client for the chaos runs: sends bytes, gathers what answers them up to so many
 * ReadyForQuery, and judges nothing. On Bun's sockets, since hundreds of them share one process with
 * the pooler. One exchange at a time. Streams of any size are skimmed and poured, and never kept.
 */

import { pbkdf2Sync, randomBytes } from "node:crypto";
import type { Socket } from "bun";
import { ScramClient } from "../../../src/auth/scram-client.ts";
import { scramKeysFromSaltedPassword } from "../../../src/auth/scram-keys.ts";
import {
  AUTHENTICATION,
  readAuthenticationKind,
} from "../../../src/wire/backend/authentication-kind.ts";
import { readAuthenticationSASL } from "../../../src/wire/backend/authentication-sasl.ts";
import { readAuthenticationSASLContinue } from "../../../src/wire/backend/authentication-sasl-continue.ts";
import { readAuthenticationSASLFinal } from "../../../src/wire/backend/authentication-sasl-final.ts";
import { readBackendKeyData } from "../../../src/wire/backend/backend-key-data.ts";
import { readErrorResponse } from "../../../src/wire/backend/error-response.ts";
import { ByteWriter } from "../../../src/wire/byte-writer.ts";
import { readInt32, readUint16 } from "../../../src/wire/bytes.ts";
import type { CancelKey } from "../../../src/wire/cancel-key.ts";
import { writeSASLInitialResponse } from "../../../src/wire/frontend/sasl-initial-response.ts";
import { writeSASLResponse } from "../../../src/wire/frontend/sasl-response.ts";
import { writeStartupMessage } from "../../../src/wire/frontend/startup-message.ts";
import { HEADER_BYTES } from "../../../src/wire/limits.ts";
import { BACKEND } from "../../../src/wire/message-type.ts";
import { sendCancelRequest } from "../../support/send-cancel-request.ts";

export interface WireTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** The authority's certificate, in PEM: TLS begins at once. Absent: none. */
  readonly ca?: string;
}

export interface WireError {
  readonly severity: string;
  readonly sqlstate: string;
  readonly message: string;
}

/** What answered one exchange. */
export interface WireReply {
  /** The first column of each row, and each line that COPY sent. */
  readonly values: readonly string[];
  readonly errors: readonly WireError[];
}

/** The connection ended before the answer was complete. */
export class ConnectionLostError extends Error {
  /** What the other side said last; null: nothing. */
  readonly said: WireError | null;

  constructor(said: WireError | null) {
    super(said === null ? "the connection was closed without a word" : `closed: ${said.message}`);
    this.said = said;
  }
}

const KEY_BYTES = 32;

const PIECES_IN_A_TURN = 16;

/** The name `postgresql`, as ALPN has it on the wire. */
const ALPN = "\x0apostgresql";

/** Where a row's first value begins: behind the header, Int16 columns, Int32 length. */
const FIRST_VALUE_OFFSET = HEADER_BYTES + 2 + 4;

/** Proofs cost a PBKDF2 each; clients come back by the thousand, with the same password and salt. */
const saltedPasswords = new Map<string, Uint8Array>();

export class WireClient {
  readonly localPort: number;
  readonly connectedMs = performance.now();
  readonly #socket: Socket<WireClient>;
  readonly #target: WireTarget;
  #scram: ScramClient | null = null;
  #key: CancelKey | null = null;
  #carry: Buffer = Buffer.alloc(0);
  #values: string[] = [];
  #errors: WireError[] = [];
  /** A FATAL error: the other side closes next, whatever else was in the answer before it. */
  #farewell: WireError | null = null;
  #readiesDue = 0;
  #settle: PromiseWithResolvers<WireReply> | null = null;
  /** Bytes to come that nobody looks at, and who waits for their end. */
  #skimming = 0;
  #skimmed: PromiseWithResolvers<void> | null = null;
  /** What is being poured, and the rest of a piece that the socket did not take. */
  #pouring: Iterator<Uint8Array> | null = null;
  #unpoured: Uint8Array = new Uint8Array(0);
  #turnDue = false;
  #poured: PromiseWithResolvers<void> | null = null;
  #closed = false;
  #paused = false;

  private constructor(socket: Socket<WireClient>, target: WireTarget) {
    this.#socket = socket;
    this.#target = target;
    this.localPort = socket.localPort;
  }

  /** Connects and logs in with SCRAM. */
  static async connect(target: WireTarget): Promise<WireClient> {
    const { promise, resolve, reject } = Promise.withResolvers<WireClient>();
    void Bun.connect<WireClient>({
      hostname: target.host,
      port: target.port,
      ...(target.ca === undefined ? {} : { tls: { ca: target.ca, ALPNProtocols: ALPN } }),
      socket: {
        open(socket) {
          socket.data = new WireClient(socket, target);
          if (target.ca === undefined) resolve(socket.data);
        },
        handshake(socket) {
          resolve(socket.data);
        },
        data(socket, bytes) {
          socket.data.#onBytes(bytes);
        },
        drain(socket) {
          socket.data.#pour();
        },
        close(socket) {
          socket.data.#onClosed();
        },
        error() {},
        connectError(_socket, error) {
          reject(error);
        },
      },
    }).catch(reject);
    const client = await promise;
    await client.exchange(client.#startup(), 1);
    return client;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether what came ends inside a message. */
  get isCutOff(): boolean {
    return this.#carry.length > 0;
  }

  /** Whether an answer is awaited. */
  get busy(): boolean {
    return this.#settle !== null;
  }

  /** Sends `bytes` and resolves with all that answers them, up to so many ReadyForQuery. */
  exchange(bytes: Uint8Array, readies: number): Promise<WireReply> {
    if (this.#closed) return Promise.reject(new ConnectionLostError(this.#farewell));
    this.#values = [];
    this.#errors = [];
    this.#readiesDue = readies;
    const settle = Promise.withResolvers<WireReply>();
    this.#settle = settle;
    this.send(bytes);
    return settle.promise;
  }

  /** Sends and waits for nothing. Of small messages only: what the socket does not take is lost. */
  send(bytes: Uint8Array): void {
    if (this.#socket.write(bytes) !== bytes.length) this.vanish();
  }

  /** Resolves when so many bytes more have come. Nobody looks at them. */
  skim(bytes: number): Promise<void> {
    this.#skimming = bytes;
    this.#skimmed = Promise.withResolvers();
    return this.#skimmed.promise;
  }

  /** Sends piece after piece, as fast as they are taken. Resolves when all are. */
  pour(pieces: Iterator<Uint8Array>): Promise<void> {
    this.#pouring = pieces;
    this.#poured = Promise.withResolvers();
    const { promise } = this.#poured;
    this.#pour();
    return promise;
  }

  /** Offers bytes to the socket and returns how many of them it took. */
  offer(bytes: Uint8Array): number {
    return Math.max(0, this.#socket.write(bytes));
  }

  /** Is gone at once, with a reset. */
  vanish(): void {
    this.#socket.terminate();
    this.#onClosed();
  }

  /** Reads no more until told to. */
  stopReading(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  /** Reads on. */
  readOn(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** Sends a CancelRequest with this client's key and resolves when the pooler has closed its connection. */
  async cancel(): Promise<void> {
    if (this.#key === null) throw new Error("the client has no cancel key");
    await sendCancelRequest(this.#target, this.#key);
  }

  /** The public half of its cancel key. */
  get processId(): number | null {
    return this.#key?.processId ?? null;
  }

  #startup(): Uint8Array {
    const { user, database } = this.#target;
    const writer = new ByteWriter();
    const parameters = [
      ["user", user],
      ["database", database],
    ] as const;
    writeStartupMessage(writer, { major: 3, minor: 0, parameters, protocolOptions: [] });
    return writer.take();
  }

  /** In turns, as a StreamingServer. */
  #pour(): void {
    for (let turn = 0; this.#pouring !== null; turn += 1) {
      if (turn === PIECES_IN_A_TURN) return this.#pourLater();
      this.#unpoured = this.#unpoured.subarray(this.offer(this.#unpoured));
      if (this.#unpoured.length > 0) return;
      const next = this.#pouring.next();
      if (next.done === true) {
        this.#pouring = null;
        this.#poured?.resolve();
      } else this.#unpoured = next.value;
    }
  }

  #pourLater(): void {
    if (this.#turnDue) return;
    this.#turnDue = true;
    setImmediate(() => {
      this.#turnDue = false;
      this.#pour();
    });
  }

  #onBytes(received: Buffer): void {
    const skimmed = Math.min(this.#skimming, received.length);
    this.#skimming -= skimmed;
    if (skimmed > 0 && this.#skimming === 0) this.#skimmed?.resolve();
    if (skimmed < received.length) this.#read(received.subarray(skimmed));
  }

  #read(chunk: Buffer): void {
    const bytes = this.#carry.length === 0 ? chunk : Buffer.concat([this.#carry, chunk]);
    let at = 0;
    while (bytes.length - at >= HEADER_BYTES) {
      const end = at + 1 + readInt32(bytes, at + 1);
      if (end > bytes.length) break;
      this.#onMessage(bytes, at, end);
      at = end;
    }
    this.#carry = at === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(at));
  }

  #onMessage(bytes: Buffer, start: number, end: number): void {
    switch (bytes[start]) {
      case BACKEND.DataRow:
        if (readUint16(bytes, start + HEADER_BYTES) === 0) this.#values.push("(no column)");
        else this.#values.push(firstValue(bytes, start));
        break;
      case BACKEND.CopyData:
        this.#values.push(bytes.toString("latin1", start + HEADER_BYTES, end - 1));
        break;
      case BACKEND.ErrorResponse: {
        const { severity = "", sqlstate = "", message = "" } = readErrorResponse(bytes, start, end);
        if (severity === "FATAL") this.#farewell = { severity, sqlstate, message };
        else this.#errors.push({ severity, sqlstate, message });
        break;
      }
      case BACKEND.ReadyForQuery:
        this.#onReady();
        break;
      case BACKEND.BackendKeyData:
        this.#key = readBackendKeyData(bytes, start, end);
        break;
      case BACKEND.Authentication:
        this.#authenticate(bytes, start, end);
        break;
      default:
    }
  }

  #onReady(): void {
    this.#readiesDue -= 1;
    const settle = this.#settle;
    if (this.#readiesDue > 0 || settle === null) return;
    this.#settle = null;
    settle.resolve({ values: this.#values, errors: this.#errors });
  }

  #onClosed(): void {
    this.#closed = true;
    const settle = this.#settle;
    this.#settle = null;
    const lost = new ConnectionLostError(this.#farewell);
    settle?.reject(lost);
    if (this.#skimming > 0) this.#skimmed?.reject(lost);
    if (this.#pouring !== null) this.#poured?.reject(lost);
    this.#pouring = null;
  }

  #authenticate(bytes: Uint8Array, start: number, end: number): void {
    const writer = new ByteWriter();
    switch (readAuthenticationKind(bytes, start, end)) {
      case AUTHENTICATION.SASL: {
        const mechanisms = readAuthenticationSASL(bytes, start, end);
        const clientNonce = randomBytes(18).toString("base64");
        const scram = new ScramClient({ mechanisms, clientNonce, channelBinding: null });
        this.#scram = scram;
        writeSASLInitialResponse(writer, scram.mechanism, scram.clientFirst());
        this.send(writer.take());
        break;
      }
      case AUTHENTICATION.SASLContinue: {
        const scram = this.#scram;
        if (scram === null) throw new Error("a SASL challenge out of turn");
        const challenge = readAuthenticationSASLContinue(bytes, start, end);
        const { salt, iterations } = scram.onServerFirst(challenge);
        const salted = saltedPassword(this.#target.password, salt, iterations);
        writeSASLResponse(writer, scram.clientFinal(scramKeysFromSaltedPassword(salted)));
        this.send(writer.take());
        break;
      }
      case AUTHENTICATION.SASLFinal:
        this.#scram?.onServerFinal(readAuthenticationSASLFinal(bytes, start, end));
        break;
      default:
    }
  }
}

function firstValue(bytes: Buffer, start: number): string {
  const length = readInt32(bytes, start + FIRST_VALUE_OFFSET - 4);
  if (length < 0) return "(null)";
  return bytes.toString("latin1", start + FIRST_VALUE_OFFSET, start + FIRST_VALUE_OFFSET + length);
}

function saltedPassword(password: string, salt: Uint8Array, iterations: number): Uint8Array {
  const name = `${password} ${iterations} ${Buffer.from(salt).toString("base64")}`;
  const known = saltedPasswords.get(name);
  if (known !== undefined) return known;
  const salted = pbkdf2Sync(password, salt, iterations, KEY_BYTES, "sha256");
  saltedPasswords.set(name, salted);
  return salted;
}
