/**
 * One connection that PostgreSQL accepted: a backend with its login and a {@link ModelPostgres}, or a
 * CancelRequest. A query may take its time, and then a cancel strikes it.
 */

import { writeAuthenticationOk } from "../../src/wire/backend/authentication-ok.ts";
import { writeBackendKeyData } from "../../src/wire/backend/backend-key-data.ts";
import { ByteWriter } from "../../src/wire/byte-writer.ts";
import { readInt32 } from "../../src/wire/bytes.ts";
import { readCancelRequest } from "../../src/wire/frontend/cancel-request.ts";
import { readQuery } from "../../src/wire/frontend/query.ts";
import { FRONTEND } from "../../src/wire/message-type.ts";
import { errorResponse, readyForQuery } from "../session/support/backend-messages.ts";
import { joined, query } from "../session/support/frontend-messages.ts";
import { ModelPostgres } from "../session/support/model-postgres.ts";
import type { FakeConnection, Peer } from "./fake-connection.ts";

/** What a backend tells the world. */
export interface BackendWorld {
  /** Whether the query that begins now takes its time. */
  isSlow(): boolean;
  onCancelRequest(processId: number): void;
  /** A cancel has struck this SQL. */
  onStruck(sql: string): void;
  /** For the trace. */
  onMessage(backend: SimBackend, message: string): void;
  /** A query of the client `owner` has come into a transaction of another's. */
  onHandedOn(backend: SimBackend, owner: string): void;
}

const CANCEL_REQUEST_CODE = 80_877_102;
const OWNER = /\b(c\d+)q\d+/;
/** Settings carry the tags of clients, too, and move with them. */
const OWN = /set_config/;

export class SimBackend implements Peer {
  readonly processId: number;
  readonly model = new ModelPostgres();
  readonly #world: BackendWorld;
  #connection: FakeConnection | null = null;
  #input: Uint8Array = new Uint8Array(0);
  #phase: "startup" | "ready" | "gone" = "startup";
  #held: Uint8Array | null = null;
  #owner: string | null = null;

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

  /** Whether a query takes its time. */
  get held(): boolean {
    return this.#held !== null;
  }

  onBytes(bytes: Uint8Array): void {
    this.#input = joined(this.#input, bytes);
    this.#work();
  }

  /** A backend that runs a query notices only afterwards that its client is gone. */
  onEnd(): void {
    if (this.#held === null) this.#leave();
    else this.#inputEnded = true;
  }

  #inputEnded = false;

  /** The query that takes its time is done. */
  release(): void {
    const message = this.#held;
    if (message === null) return;
    this.#held = null;
    this.#run(message);
    this.#work();
    if (this.#inputEnded) this.#leave();
  }

  /** The signal of a CancelRequest: it hits what runs, if anything does. */
  strike(): void {
    if (this.#held === null) return;
    this.#world.onStruck(readQuery(this.#held, 0, this.#held.length));
    this.#held = query("cancelled");
    this.release();
  }

  /** It dies: with a word or without, at any byte. */
  die(spoken: boolean, keptBytes: number): void {
    if (this.#phase === "gone") return;
    if (spoken) {
      this.#connection?.send(
        errorResponse("57P01", "terminating connection due to administrator command", "FATAL"),
      );
      this.#leave();
    } else {
      this.#phase = "gone";
      this.#connection?.reset(keptBytes);
    }
  }

  #leave(): void {
    this.#phase = "gone";
    this.#held = null;
    this.#connection?.end();
  }

  #work(): void {
    while (this.#held === null && this.#phase !== "gone") {
      const header = this.#phase === "startup" ? 0 : 1;
      if (this.#input.length < header + 4) return;
      const end = header + readInt32(this.#input, header);
      if (this.#input.length < end) return;
      const message = this.#input.slice(0, end);
      this.#input = this.#input.slice(end);
      if (this.#phase === "startup") this.#onStartup(message);
      else this.#onMessage(message);
    }
  }

  #onStartup(packet: Uint8Array): void {
    if (readInt32(packet, 4) === CANCEL_REQUEST_CODE) {
      this.#world.onCancelRequest(readCancelRequest(packet, 0, packet.length).processId);
      return this.#leave();
    }
    this.#phase = "ready";
    const writer = new ByteWriter();
    writeAuthenticationOk(writer);
    writeBackendKeyData(writer, {
      processId: this.processId,
      secretKey: Uint8Array.of(1, 2, 3, 4),
    });
    this.#connection?.send(joined(writer.take(), readyForQuery("I")));
  }

  #onMessage(message: Uint8Array): void {
    const text = Buffer.from(message).toString("latin1");
    this.#world.onMessage(this, text);
    this.#noteOwner(message[0], text);
    if (message[0] === FRONTEND.Query && this.model.takesQueries && this.#world.isSlow())
      this.#held = message;
    else this.#run(message);
  }

  /** Whatever opens a transaction is tagged, and so is most else. */
  #noteOwner(type: number | undefined, text: string): void {
    if (type !== FRONTEND.Query && type !== FRONTEND.Parse) return;
    const owner = OWNER.exec(text)?.[1];
    if (owner === undefined || OWN.test(text) || !this.model.takesQueries) return;
    if (this.#owner !== null && this.#owner !== owner && !this.model.idle)
      this.#world.onHandedOn(this, owner);
    this.#owner = owner;
  }

  #run(message: Uint8Array): void {
    this.model.receive(message);
    this.#connection?.send(this.model.take());
    if (this.model.terminated) this.#leave();
  }
}
