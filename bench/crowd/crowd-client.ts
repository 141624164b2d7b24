/**
 * One of very many clients: between its login and its next query it holds a socket and little else.
 */

import type { Socket } from "bun";
import { SELECT_ONE, SELECT_ONE_REPLY } from "../fake-postgres/fake-answers.ts";
import { describeReply } from "../load/backend-messages.ts";
import { terminate } from "../load/frontend-messages.ts";
import type { Login } from "../load/login.ts";

const PARAMETER_STATUS = 0x53;

type Phase = "login" | "ready" | "busy" | "closed";

/** Whom a client tells. */
export interface CrowdListener {
  /** It is logged in, or its reply is complete: it can be asked. */
  onReady(client: CrowdClient): void;
  onClosed(client: CrowdClient): void;
  onFailed(error: Error): void;
}

const HANDLERS = {
  open: (socket: Socket<CrowdClient>) => socket.data.opened(socket),
  data: (socket: Socket<CrowdClient>, chunk: Buffer) => socket.data.receive(chunk),
  close: (socket: Socket<CrowdClient>) => socket.data.closed(),
  error: (socket: Socket<CrowdClient>, error: Error) => socket.data.fail(error),
};

export class CrowdClient {
  /** When its query was due, of `performance.now()`. */
  dueMs = 0;
  readonly #listener: CrowdListener;
  #phase: Phase = "login";
  #login: Login | null = null;
  #socket: Socket<CrowdClient> | null = null;
  #matchedBytes = 0;

  constructor(listener: CrowdListener) {
    this.#listener = listener;
  }

  get isReady(): boolean {
    return this.#phase === "ready";
  }

  /** Connects and logs in; the listener is told. Rejects when nobody takes the connection. */
  async connect(
    hostname: string,
    port: number,
    loginOf: (write: (bytes: Buffer) => void) => Login,
  ): Promise<void> {
    this.#login = loginOf((bytes) => this.#write(bytes));
    await Bun.connect({ hostname, port, data: this, socket: HANDLERS });
  }

  /** Asks `select 1`. */
  ask(dueMs: number): void {
    this.dueMs = dueMs;
    this.#phase = "busy";
    this.#write(SELECT_ONE);
  }

  /** Says goodbye as a driver does. */
  close(): void {
    this.#phase = "closed";
    this.#socket?.write(terminate());
    this.#socket?.end();
  }

  /** For the socket only. */
  opened(socket: Socket<CrowdClient>): void {
    this.#socket = socket;
    this.#login?.start();
  }

  /** For the socket only. */
  receive(chunk: Buffer): void {
    if (this.#phase === "login") this.#readLogin(chunk);
    else if (this.#phase === "busy") this.#matchReply(this.#behindHeartbeat(chunk));
    else if (this.#phase === "ready" && this.#behindHeartbeat(chunk).length > 0)
      throw new Error(`nobody asked for ${describeReply(chunk)}`);
  }

  /** For the socket only. */
  closed(): void {
    if (this.#phase === "closed") this.#listener.onClosed(this);
    else this.#listener.onFailed(new Error("a connection was closed"));
  }

  /** For the socket only. */
  fail(error: Error): void {
    if (this.#phase !== "closed") this.#listener.onFailed(error);
  }

  #readLogin(chunk: Buffer): void {
    if (this.#login?.receive(chunk) !== true) return;
    this.#login = null;
    this.#becomeReady();
  }

  /** A pooler may look whether an idle client lives by telling it a parameter again: one small message. */
  #behindHeartbeat(chunk: Buffer): Buffer {
    const isHeartbeat = this.#matchedBytes === 0 && chunk[0] === PARAMETER_STATUS;
    return isHeartbeat ? chunk.subarray(1 + chunk.readInt32BE(1)) : chunk;
  }

  #matchReply(chunk: Buffer): void {
    const end = this.#matchedBytes + chunk.length;
    const isRight =
      end <= SELECT_ONE_REPLY.length &&
      chunk.compare(SELECT_ONE_REPLY, this.#matchedBytes, end) === 0;
    if (!isRight) throw new Error(`wrong reply: ${describeReply(chunk)}`);
    this.#matchedBytes = end;
    if (end < SELECT_ONE_REPLY.length) return;
    this.#matchedBytes = 0;
    this.#becomeReady();
  }

  #becomeReady(): void {
    this.#phase = "ready";
    this.#listener.onReady(this);
  }

  /** What is asked is smaller than any socket buffer: all or nothing. */
  #write(bytes: Buffer): void {
    const written = this.#socket?.write(bytes);
    if (written !== bytes.length) this.fail(new Error(`${written} of ${bytes.length} bytes sent`));
  }
}
