/**
 * One connection that PostgreSQL accepted: a backend with its login and a {@link ModelPostgres}, or a
 * CancelRequest. What it runs may take its time, and then a cancel strikes it.
 */

import { writeAuthenticationOk } from "../../src/wire/backend/authentication-ok.ts";
import { writeBackendKeyData } from "../../src/wire/backend/backend-key-data.ts";
import { writeParameterStatus } from "../../src/wire/backend/parameter-status.ts";
import { TRANSACTION_STATUS, writeReadyForQuery } from "../../src/wire/backend/ready-for-query.ts";
import { ByteWriter } from "../../src/wire/byte-writer.ts";
import { readInt32 } from "../../src/wire/bytes.ts";
import { readCancelRequest } from "../../src/wire/frontend/cancel-request.ts";
import { BACKEND, FRONTEND } from "../../src/wire/message-type.ts";
import {
  errorResponse,
  message as messageOf,
  parameterStatus,
} from "../session/support/backend-messages.ts";
import { ModelPostgres } from "../session/support/model-postgres.ts";
import { REPORTED_SETTING } from "../session/support/model-settings.ts";
import type { FakeConnection, Peer } from "./fake-connection.ts";
import { MessageCutter } from "./message-cutter.ts";

/** What a backend asks, and tells, the world. */
export interface BackendWorld {
  /** Whether what begins now takes its time. */
  isSlow(): boolean;
  /** Why the login is refused; null: it is not. */
  refusesLogin(): LoginRefusal | null;
  onCancelRequest(processId: number): void;
  /** A cancel has struck what the client `owner` runs; null: what the pooler asked for itself. */
  onStruck(owner: string | null): void;
  /** For the trace. */
  onMessage(backend: SimBackend, message: Uint8Array): void;
  /** The client `owner` has come onto what another has left behind. */
  onHandedOn(backend: SimBackend, owner: string, left: string): void;
}

/** SQLSTATE and words. */
export type LoginRefusal = readonly [sqlstate: string, text: string];

const CANCEL_REQUEST_CODE = 80_877_102;
const MESSAGE_BYTES_MAX = 1_000_000;
const LATIN1 = new TextDecoder("latin1");
const OWNER = /\b(c\d+)q\d+/;
/** Settings carry the tags of clients, too, and move with them. */
const OWN = /set_config/;

export class SimBackend implements Peer {
  readonly processId: number;
  readonly model = new ModelPostgres();
  readonly #world: BackendWorld;
  readonly #cutter = new MessageCutter(MESSAGE_BYTES_MAX);
  #connection: FakeConnection | null = null;
  #phase: "startup" | "ready" | "gone" = "startup";
  #held: Uint8Array | null = null;
  /** The backend that it is to signal, and has not yet: PostgreSQL starts a process for that. */
  #cancelTarget: number | null = null;
  #inputEnded = false;
  /** Whose query it ran last, and whether that is what it runs now. */
  #owner: string | null = null;
  #runsOwners = false;
  /** It has said what nobody asked for: that may be under way at any time. */
  hasSpoken = false;

  constructor(processId: number, world: BackendWorld) {
    this.processId = processId;
    this.#world = world;
  }

  attach(connection: FakeConnection): void {
    this.#connection = connection;
  }

  get connection(): FakeConnection | null {
    return this.#connection;
  }

  /** Logged in, and not gone: a server connection, as `max_connections` counts. */
  get serving(): boolean {
    return this.#phase === "ready";
  }

  /** Whether something takes its time. */
  get held(): boolean {
    return this.#held !== null || this.#cancelTarget !== null;
  }

  /** Which client's query it runs, or ran last; null: what the pooler asked for itself. */
  get runningFor(): string | null {
    return this.#runsOwners ? this.#owner : null;
  }

  /** Whether nothing more will come of it. */
  get over(): boolean {
    return this.#phase === "gone" && this.#connection?.over !== false;
  }

  onBytes(bytes: Uint8Array): void {
    this.#cutter.push(bytes);
    this.#work();
  }

  /** A backend that runs a query notices only afterwards that its client is gone. */
  onEnd(): void {
    if (this.held) this.#inputEnded = true;
    else this.#leave();
  }

  /** What takes its time is done. */
  release(): void {
    if (this.#cancelTarget !== null) return this.#signal(this.#cancelTarget);
    const message = this.#held;
    if (message === null) return;
    this.#held = null;
    this.#run(message);
    this.#work();
    if (this.#inputEnded) this.#leave();
  }

  /** The signal of a CancelRequest: it hits what runs, or a COPY that waits for data, if anything does. */
  strike(): void {
    if (this.#phase !== "ready" || (this.#held === null && !this.model.copying)) return;
    this.#world.onStruck(this.runningFor);
    const running = this.#held?.[0] ?? null;
    this.#held = null;
    this.model.interrupt(running);
    this.#sendAnswers();
    this.#work();
    if (this.#inputEnded) this.#leave();
  }

  /** It dies: with a word or without, at any byte. */
  die(spoken: boolean, keptBytes: number): void {
    if (this.#phase === "gone") return;
    if (spoken) {
      this.#sayFatal("57P01", "terminating connection due to administrator command");
    } else {
      this.hasSpoken = true;
      this.#phase = "gone";
      this.#held = null;
      this.#connection?.reset(keptBytes);
    }
  }

  /** Its configuration was changed: it reports a parameter that nobody has set. */
  reload(timeZone: string): void {
    this.hasSpoken = true;
    this.#connection?.send(parameterStatus("TimeZone", timeZone));
  }

  /** It says something that nobody has asked for. */
  sayNotice(textBytes: number): void {
    this.hasSpoken = true;
    const text = "x".repeat(textBytes);
    this.#connection?.send(messageOf(BACKEND.NoticeResponse, `SNOTICE\0C00000\0M${text}\0\0`));
  }

  #sayFatal(sqlstate: string, text: string): void {
    this.hasSpoken = true;
    this.#connection?.send(errorResponse(sqlstate, text, "FATAL"));
    this.#leave();
  }

  #leave(): void {
    this.#phase = "gone";
    this.#held = null;
    this.#connection?.end();
  }

  #work(): void {
    while (this.#held === null && this.#phase !== "gone") {
      const message = this.#cutter.next(this.#phase === "startup" ? 0 : 1);
      if (message === null) return;
      if (this.#phase === "startup") this.#onStartup(message);
      else this.#onMessage(message);
    }
  }

  #onStartup(packet: Uint8Array): void {
    if (readInt32(packet, 4) === CANCEL_REQUEST_CODE) {
      const { processId } = readCancelRequest(packet, 0, packet.length);
      if (!this.#world.isSlow()) return this.#signal(processId);
      this.#cancelTarget = processId;
      return;
    }
    const refusal = this.#world.refusesLogin();
    if (refusal !== null) return this.#sayFatal(...refusal);
    this.#phase = "ready";
    const writer = new ByteWriter();
    writeAuthenticationOk(writer);
    writeParameterStatus(writer, REPORTED_SETTING, "");
    writeParameterStatus(writer, "TimeZone", "UTC");
    writeBackendKeyData(writer, {
      processId: this.processId,
      secretKey: Uint8Array.of(1, 2, 3, 4),
    });
    writeReadyForQuery(writer, TRANSACTION_STATUS.Idle);
    this.#connection?.send(writer.take());
  }

  #signal(processId: number): void {
    this.#cancelTarget = null;
    this.#world.onCancelRequest(processId);
    this.#leave();
  }

  #onMessage(message: Uint8Array): void {
    this.#world.onMessage(this, message);
    this.#noteOwner(message);
    if (this.model.wouldRun(message) && this.#world.isSlow()) this.#held = message;
    else this.#run(message);
  }

  /** All that uses a transaction or what one has left is tagged, but for COPY data and what comes behind a Bind. */
  #noteOwner(message: Uint8Array): void {
    const type = message[0];
    if (type !== FRONTEND.Query && type !== FRONTEND.Parse && type !== FRONTEND.Bind) return;
    if (!this.model.takesQueries) return;
    const text = LATIN1.decode(message);
    const owner = OWN.test(text) ? undefined : OWNER.exec(text)?.[1];
    this.#runsOwners = owner !== undefined;
    if (owner === undefined) return;
    if (this.#owner !== null && this.#owner !== owner) {
      if (!this.model.idle) this.#world.onHandedOn(this, owner, "a transaction");
      else if (this.model.residue !== null) this.#world.onHandedOn(this, owner, this.model.residue);
    }
    this.#owner = owner;
  }

  #run(message: Uint8Array): void {
    this.model.receive(message);
    this.#sendAnswers();
    if (this.model.terminated) this.#leave();
  }

  #sendAnswers(): void {
    for (const answer of this.model.takeMessages()) this.#connection?.send(answer);
  }
}
