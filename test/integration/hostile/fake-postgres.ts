/**
 * A PostgreSQL that does what a test tells it, however wrong: in the clear, on a port of its own. Left to
 * itself it lets everybody in and answers each Query with nothing but its end.
 */

import type { Socket, TCPSocketListener } from "bun";
import { writeAuthenticationOk } from "../../../src/wire/backend/authentication-ok.ts";
import { writeBackendKeyData } from "../../../src/wire/backend/backend-key-data.ts";
import { writeCommandComplete } from "../../../src/wire/backend/command-complete.ts";
import { writeDataRow } from "../../../src/wire/backend/data-row.ts";
import { BIND_COMPLETE, PARSE_COMPLETE } from "../../../src/wire/backend/empty-replies.ts";
import { writeParameterStatus } from "../../../src/wire/backend/parameter-status.ts";
import {
  TRANSACTION_STATUS,
  writeReadyForQuery,
} from "../../../src/wire/backend/ready-for-query.ts";
import { ByteWriter } from "../../../src/wire/byte-writer.ts";
import { readInt32 } from "../../../src/wire/bytes.ts";
import { readParse } from "../../../src/wire/frontend/parse.ts";
import { readQuery } from "../../../src/wire/frontend/query.ts";
import { HEADER_BYTES } from "../../../src/wire/limits.ts";
import { FRONTEND } from "../../../src/wire/message-type.ts";

export interface FakeBehaviour {
  /** A StartupMessage came. Absent: {@link welcome}. */
  onStartup?(session: FakeSession): void;
  /** A message came, of whatever type but Query. Absent: nothing. */
  onMessage?(session: FakeSession, type: number, bytes: Uint8Array): void;
  /** A Query came. Absent, or false: {@link done}. */
  onQuery?(session: FakeSession, sql: string): boolean;
  /** A statement came of those that give it settings, in front of a message. Absent, or false: it is done. */
  onSettings?(session: FakeSession, sql: string): boolean;
  /** A CancelRequest came. Absent: the connection is closed, as PostgreSQL does. */
  onCancel?(session: FakeSession): void;
  /** It heeds neither Terminate nor the end of the stream, and never closes by itself. */
  readonly stubborn?: boolean;
}

const CANCEL_REQUEST_CODE = 80_877_102;
const STARTUP_HEAD_BYTES = 8;
const FIRST_PROCESS_ID = 1000;

export class FakePostgres implements Disposable {
  readonly superuser = "postgres";
  readonly password = "postgres-password";
  /** All that have ever connected, in order. */
  readonly sessions: FakeSession[] = [];
  readonly #listener: TCPSocketListener<FakeSession>;

  constructor(behaviour: FakeBehaviour = {}) {
    const { sessions } = this;
    this.#listener = Bun.listen<FakeSession>({
      hostname: "127.0.0.1",
      port: 0,
      allowHalfOpen: behaviour.stubborn === true,
      socket: {
        open(socket) {
          const session = new FakeSession(socket, behaviour, FIRST_PROCESS_ID + sessions.length);
          socket.data = session;
          sessions.push(session);
        },
        data(socket, bytes) {
          socket.data.onBytes(bytes);
        },
        drain(socket) {
          socket.data.onDrain();
        },
        end() {}, // without it, half-open sockets are closed all the same
        close(socket) {
          socket.data.onClosed();
        },
        error() {},
      },
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Connections that stand. */
  get open(): number {
    return this.sessions.filter(({ closed }) => !closed).length;
  }

  [Symbol.dispose](): void {
    this.#listener.stop(true);
  }
}

export class FakeSession {
  /** Queries so far. */
  readonly queries: string[] = [];
  readonly processId: number;
  readonly #socket: Socket<FakeSession>;
  readonly #behaviour: FakeBehaviour;
  #bytes: Buffer = Buffer.alloc(0);
  #started = false;
  /** The statement of those that give it settings; null: none is under way. */
  #settings: string | null = null;
  #closed = false;
  #flood: (() => Uint8Array | null) | null = null;
  #onClose: (() => void) | null = null;
  #unsent: Uint8Array = new Uint8Array(0);

  constructor(socket: Socket<FakeSession>, behaviour: FakeBehaviour, processId: number) {
    this.#socket = socket;
    this.#behaviour = behaviour;
    this.processId = processId;
  }

  get closed(): boolean {
    return this.#closed;
  }

  send(bytes: Uint8Array): void {
    const sent = Math.max(0, this.#socket.write(bytes));
    this.#unsent = bytes.subarray(sent);
  }

  write(write: (writer: ByteWriter) => void): void {
    const writer = new ByteWriter();
    write(writer);
    this.send(writer.take());
  }

  /** Sends what `next` returns as fast as it is taken, until it returns null or the peer is gone. */
  flood(next: () => Uint8Array | null): void {
    this.#flood = next;
    this.onDrain();
  }

  /** Closes in good order. */
  close(): void {
    this.#socket.end();
  }

  onBytes(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    while (this.#takePacket());
  }

  onDrain(): void {
    while (!this.#closed) {
      if (this.#unsent.length > 0) {
        this.send(this.#unsent);
        if (this.#unsent.length > 0) return;
      }
      const next = this.#flood?.() ?? null;
      if (next === null) return;
      this.#unsent = next;
    }
  }

  /** Calls `listener` when the connection is closed. */
  whenClosed(listener: () => void): void {
    this.#onClose = listener;
  }

  onClosed(): void {
    this.#closed = true;
    this.#onClose?.();
  }

  /** Reads one message. Returns whether there may be another. */
  #takePacket(): boolean {
    const bytes = this.#bytes;
    if (!this.#started) {
      if (bytes.length < STARTUP_HEAD_BYTES || bytes.length < readInt32(bytes, 0)) return false;
      this.#bytes = bytes.subarray(readInt32(bytes, 0));
      if (readInt32(bytes, 4) === CANCEL_REQUEST_CODE) this.#onCancel();
      else {
        this.#started = true;
        if (this.#behaviour.onStartup === undefined) this.send(welcome(this.processId));
        else this.#behaviour.onStartup(this);
      }
      return true;
    }
    if (bytes.length < HEADER_BYTES || bytes.length < 1 + readInt32(bytes, 1)) return false;
    const end = 1 + readInt32(bytes, 1);
    this.#bytes = bytes.subarray(end);
    this.#onMessage(bytes.subarray(0, end));
    return true;
  }

  #onMessage(bytes: Uint8Array): void {
    const type = bytes[0] ?? 0;
    if (type === FRONTEND.Terminate) {
      if (this.#behaviour.stubborn !== true) this.close();
      return;
    }
    if (this.#takesSettings(type, bytes)) return;
    if (type !== FRONTEND.Query) {
      this.#behaviour.onMessage?.(this, type, bytes);
      return;
    }
    const sql = readQuery(bytes, 0, bytes.length);
    this.queries.push(sql);
    if (this.#behaviour.onQuery?.(this, sql) !== true) this.send(done("SELECT 0"));
  }

  /** What comes from BEGIN to COMMIT gives it settings. Returns whether the message is of that. */
  #takesSettings(type: number, bytes: Uint8Array): boolean {
    if (type === FRONTEND.Parse) {
      const sql = readParse(bytes, 0, bytes.length).query;
      if (this.#settings === null && !sql.startsWith("BEGIN ISOLATION LEVEL")) return false;
      this.#settings = sql;
      this.send(PARSE_COMPLETE);
      return true;
    }
    const sql = this.#settings;
    if (sql === null) return false;
    if (type === FRONTEND.Bind) this.send(BIND_COMPLETE);
    if (type === FRONTEND.Execute && this.#behaviour.onSettings?.(this, sql) !== true)
      this.write((writer) => writeCommandComplete(writer, sql.split(" ", 1)[0] ?? ""));
    if (type === FRONTEND.Flush) this.#settings = null;
    return true;
  }

  #onCancel(): void {
    if (this.#behaviour.onCancel === undefined) this.close();
    else this.#behaviour.onCancel(this);
  }
}

/** Everything from AuthenticationOk to ReadyForQuery. */
export function welcome(processId: number): Uint8Array {
  const writer = new ByteWriter();
  writeAuthenticationOk(writer);
  writeParameterStatus(writer, "server_version", "18.0");
  writeParameterStatus(writer, "client_encoding", "UTF8");
  writeBackendKeyData(writer, { processId, secretKey: Uint8Array.of(1, 2, 3, 4) });
  writeReadyForQuery(writer, TRANSACTION_STATUS.Idle);
  return writer.take();
}

/** The end of a Query without rows. */
export function done(tag: string): Uint8Array {
  const writer = new ByteWriter();
  writeCommandComplete(writer, tag);
  writeReadyForQuery(writer, TRANSACTION_STATUS.Idle);
  return writer.take();
}

/** One row and the end of a Query. */
export function oneRow(value: string): Uint8Array {
  const writer = new ByteWriter();
  writeDataRow(writer, [value]);
  writer.bytes(done("SELECT 1"));
  return writer.take();
}

/** A message of any type with any body, whatever the length field says. */
export function message(type: string, body: Uint8Array | string, length?: number): Uint8Array {
  const content = Buffer.from(body);
  const bytes = Buffer.alloc(HEADER_BYTES + content.length);
  bytes.write(type, "latin1");
  bytes.writeInt32BE(length ?? content.length + 4, 1);
  content.copy(bytes, HEADER_BYTES);
  return bytes;
}
