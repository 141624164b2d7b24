/**
 * A server that sends and takes messages of any size without ever having one whole: PostgreSQL itself needs
 * several times their size, and its time. It lets everybody in and understands
 *
 * - `give MESSAGES BYTES`: so many DataRows of one value with so many bytes. A cancel ends it as PostgreSQL
 *   would: behind the row under way,
 * - `copy`: takes COPY data, to the end of it,
 * - any other Query, and the extended protocol: answered with nothing but its end.
 */

import type { Socket, TCPSocketListener } from "bun";
import { type FrameHandler, MessageFramer } from "../../../src/session/message-framer.ts";
import { BIND_COMPLETE, PARSE_COMPLETE } from "../../../src/wire/backend/empty-replies.ts";
import {
  TRANSACTION_STATUS,
  writeReadyForQuery,
} from "../../../src/wire/backend/ready-for-query.ts";
import { ByteWriter } from "../../../src/wire/byte-writer.ts";
import { readInt32 } from "../../../src/wire/bytes.ts";
import { HEADER_BYTES } from "../../../src/wire/limits.ts";
import { FRONTEND } from "../../../src/wire/message-type.ts";
import { done, message, welcome } from "./fake-postgres.ts";

const CANCEL_REQUEST_CODE = 80_877_102;
const CHUNK_BYTES = 65_536;
const TURN_BYTES = 16 * CHUNK_BYTES;
const CHUNK = new Uint8Array(CHUNK_BYTES).fill(0x78);

/** DataRow: header, Int16 columns, Int32 bytes of the value. */
const ROW_HEAD_BYTES = HEADER_BYTES + 2 + 4;

/** A Query that is an order is shorter than this. */
const ORDER_BYTES_MAX = 100;

export class StreamingServer implements Disposable {
  readonly superuser = "postgres";
  readonly password = "postgres-password";
  /** Those that are connected, by their process ids. */
  readonly streams = new Map<number, Stream>();
  #stands = false;
  readonly #listener: TCPSocketListener<Stream>;

  constructor() {
    const { streams } = this;
    const stands = (): boolean => this.#stands;
    let processId = 0;
    this.#listener = Bun.listen<Stream>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open(socket) {
          processId += 1;
          const cancel = (id: number): void => streams.get(id)?.cancel();
          socket.data = new Stream(socket, processId, cancel, stands);
          streams.set(processId, socket.data);
        },
        data(socket, bytes) {
          socket.data.onBytes(bytes);
        },
        drain(socket) {
          socket.data.onDrain();
        },
        close(socket) {
          streams.delete(socket.data.processId);
        },
        error() {},
      },
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Bytes sent and received so far, by all that are connected. */
  get moved(): number {
    return [...this.streams.values()].reduce((sum, { moved }) => sum + moved, 0);
  }

  /** Nobody reads any more until {@link readOn}: those that come read as far as into their first long message. */
  stopReading(): void {
    this.#stands = true;
    for (const stream of this.streams.values()) stream.stopReading();
  }

  readOn(): void {
    this.#stands = false;
    for (const stream of this.streams.values()) stream.readOn();
  }

  [Symbol.dispose](): void {
    this.#listener.stop(true);
  }
}

interface Order {
  cancelled: boolean;
}

export class Stream implements FrameHandler {
  readonly processId: number;
  readonly #socket: Socket<Stream>;
  readonly #cancel: (processId: number) => void;
  readonly #stands: () => boolean;
  readonly #framer = new MessageFramer(this, 2 ** 31 - 1, 0);
  #started = false;
  #moved = 0;
  #unsent: Uint8Array = new Uint8Array(0);
  readonly #answers: Iterator<Uint8Array>[] = [];
  #turnDue = false;
  #order: Order = { cancelled: false };
  /** What answers the message under way, once it is here to its end. */
  #answer: Iterator<Uint8Array> | null = null;

  /** @param stands whether it is to stop reading in a message that is long */
  constructor(
    socket: Socket<Stream>,
    processId: number,
    cancel: (processId: number) => void,
    stands: () => boolean,
  ) {
    this.#socket = socket;
    this.processId = processId;
    this.#cancel = cancel;
    this.#stands = stands;
  }

  get moved(): number {
    return this.#moved;
  }

  /** Reads nothing more until {@link readOn}. */
  stopReading(): void {
    this.#socket.pause();
  }

  readOn(): void {
    this.#socket.resume();
  }

  onBytes(bytes: Uint8Array): void {
    this.#moved += bytes.length;
    if (this.#started) return this.#framer.feed(bytes);
    // A StartupMessage or a CancelRequest: either comes in one piece on this machine.
    if (readInt32(bytes, 4) === CANCEL_REQUEST_CODE) {
      this.#cancel(readInt32(bytes, 8));
      return void this.#socket.end();
    }
    this.#started = true;
    this.#send([welcome(this.processId)].values());
  }

  cancel(): void {
    this.#order.cancelled = true;
  }

  /** In turns: who reads as fast as this writes would let nobody else in this process have one. */
  onDrain(): void {
    const turnEnds = this.#moved + TURN_BYTES;
    while (this.#moved < turnEnds) {
      const sent = Math.max(0, this.#socket.write(this.#unsent));
      this.#moved += sent;
      this.#unsent = this.#unsent.subarray(sent);
      if (this.#unsent.length > 0) return;
      const next = this.#answers[0]?.next();
      if (next === undefined) return;
      if (next.done === true) this.#answers.shift();
      else this.#unsent = next.value;
    }
    if (this.#turnDue) return;
    this.#turnDue = true;
    setImmediate(() => {
      this.#turnDue = false;
      this.onDrain();
    });
  }

  neededBytes(type: number, messageBytes: number): number {
    return type === FRONTEND.Query && messageBytes < ORDER_BYTES_MAX ? messageBytes : 0;
  }

  onMessage(type: number, bytes: Uint8Array, start: number, end: number, messageEnd: number) {
    this.#order = { cancelled: false };
    const body = Buffer.from(bytes.subarray(start + HEADER_BYTES, end));
    this.#answer = answerTo(type, body, this.#order);
    if (end === messageEnd) this.#answerNow();
    else if (this.#stands()) this.stopReading();
    return true;
  }

  onContinuation(): void {
    if (!this.#framer.insideMessage) this.#answerNow();
  }

  onMalformed(): void {
    this.#socket.end();
  }

  #answerNow(): void {
    if (this.#answer === null) this.#socket.end();
    else this.#send(this.#answer);
  }

  #send(answer: Iterator<Uint8Array>): void {
    this.#answers.push(answer);
    if (this.#unsent.length === 0) this.onDrain();
  }
}

/** Returns null where the connection is to be closed. */
function answerTo(type: number, body: Buffer, order: Order): Iterator<Uint8Array> | null {
  switch (type) {
    case FRONTEND.Query:
      return answerToQuery(body.subarray(0, ORDER_BYTES_MAX).toString("latin1"), order);
    case FRONTEND.Parse:
      return [PARSE_COMPLETE].values();
    case FRONTEND.Bind:
      return [BIND_COMPLETE].values();
    case FRONTEND.Execute:
      return [message("C", "SELECT 0\0")].values();
    case FRONTEND.CopyDone:
      return [done("COPY 0")].values();
    case FRONTEND.Sync: {
      const writer = new ByteWriter();
      writeReadyForQuery(writer, TRANSACTION_STATUS.Idle);
      return [writer.take()].values();
    }
    case FRONTEND.Terminate:
      return null;
    default:
      return [][Symbol.iterator]();
  }
}

function answerToQuery(sql: string, order: Order): Iterator<Uint8Array> {
  const [verb, messages, valueBytes] = sql.replace("\0", "").split(" ");
  if (verb === "give") return rows(Number(messages), Number(valueBytes), order);
  if (verb === "copy") return [message("G", "\0\0\0")].values();
  return [done("SELECT 0")].values();
}

/** Whole rows in each piece, or pieces of one row. */
function* rows(messages: number, valueBytes: number, order: Order): Generator<Uint8Array> {
  const head = rowHead(valueBytes);
  const isSmall = valueBytes < CHUNK_BYTES;
  const row = isSmall ? Buffer.concat([head, CHUNK.subarray(0, valueBytes)]) : head;
  const many = isSmall ? Math.floor(CHUNK_BYTES / row.length) : 1;
  const run = Buffer.concat(Array.from({ length: many }, () => row));
  for (let left = messages; left > 0 && !order.cancelled; left -= many) {
    yield run.subarray(0, row.length * Math.min(many, left));
    if (!isSmall) yield* filling(valueBytes);
  }
  yield done(`SELECT ${messages}`);
}

function rowHead(valueBytes: number): Buffer {
  const head = Buffer.alloc(ROW_HEAD_BYTES);
  head.write("D", "latin1");
  head.writeInt32BE(ROW_HEAD_BYTES - 1 + valueBytes, 1);
  head.writeInt16BE(1, HEADER_BYTES);
  head.writeInt32BE(valueBytes, HEADER_BYTES + 2);
  return head;
}

/** So many bytes of text, in pieces. */
export function* filling(bytes: number): Generator<Uint8Array> {
  for (let left = bytes; left > 0; left -= CHUNK_BYTES)
    yield left >= CHUNK_BYTES ? CHUNK : CHUNK.subarray(0, left);
}

/** How many bytes answer `give MESSAGES BYTES`. */
export function givenBytes(messages: number, valueBytes: number): number {
  return messages * (ROW_HEAD_BYTES + valueBytes) + done(`SELECT ${messages}`).length;
}
