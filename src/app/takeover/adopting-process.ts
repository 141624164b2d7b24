/**
 * One process that goes on with clients of this one, as this one sees it. See handover-messages.ts for what is said.
 *
 *   waiting ── offered ── held ── moved
 *
 * What a client has at each step: nothing; a copy of its connection that is on its way; one that is there. It is served
 * here all the time, until it has nothing under way in a moment in which its copy is there.
 */

import { errorMessage } from "../../base/error-message.ts";
import type { DescriptorPassing } from "../../net/descriptor-passing.ts";
import { dialUnix } from "../../net/dial-unix.ts";
import { JsonLines } from "../../net/json-lines.ts";
import type { MovableClient } from "../../net/movable-client.ts";
import type { NetEnvironment } from "../../net/net-environment.ts";
import type { Transport } from "../../net/transport.ts";
import { type MovedClient, readHandover, writeParcel } from "./handover-messages.ts";
import { isTrusted } from "./takeover-socket.ts";

export interface HandoverParts {
  readonly environment: NetEnvironment;
  readonly passing: DescriptorPassing;
}

/** It answers from its event loop, between two queries. */
const ANSWER_TIMEOUT_MS = 5000;

/** Copies in one parcel; the next one is sent when the other process has these. */
const PARCEL_CLIENTS = 64;

/** With more than this, what is said goes on in another line: one of a megabyte is not read. */
const LINE_TICKETS_CHARACTERS = 131_072;

export class AdoptingProcess {
  readonly #parts: HandoverParts;
  readonly #lines: JsonLines;
  readonly #inbox = Promise.withResolvers<string>();
  #path = "";
  #isGone = false;
  #nextId = 1;
  /** Those of whom it has nothing. */
  readonly #waiting = new Set<MovableClient>();
  /** Those whose copies are on their way. */
  readonly #offered = new Map<number, MovableClient>();
  /** Those whose copies it has. */
  readonly #held = new Map<number, MovableClient>();
  readonly #onLeft: (client: MovableClient) => void;
  /** Clients that it goes on with. */
  moved = 0;

  private constructor(
    transport: Transport,
    parts: HandoverParts,
    onLeft: (client: MovableClient) => void,
  ) {
    this.#parts = parts;
    this.#onLeft = onLeft;
    this.#lines = new JsonLines(transport, {
      onMessage: (message) => this.#onMessage(message),
      onClosed: () => this.#onGone(),
    });
  }

  /**
   * Finds the process that listens at `path`. Rejects where none does, it is another user's, or it does not answer.
   * @param onLeft called for each client that was taken and is no longer in its hands: it has moved, or stays for now
   */
  static async find(
    path: string,
    parts: HandoverParts,
    onLeft: (client: MovableClient) => void,
  ): Promise<AdoptingProcess> {
    const transport = await dialUnix(path, parts.environment, nothing);
    const found = new AdoptingProcess(transport, parts, onLeft);
    const { reject, promise } = found.#inbox;
    if (!isTrusted(transport)) reject(new Error("another user listens there"));
    const timer = parts.environment.clock.after(ANSWER_TIMEOUT_MS, () =>
      reject(new Error("nobody answers there")),
    );
    try {
      found.#path = await promise;
      return found;
    } catch (error) {
      transport.destroy();
      throw error;
    } finally {
      timer.cancel();
    }
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Clients in its hands. */
  get pending(): number {
    return this.#waiting.size + this.#offered.size + this.#held.size;
  }

  /** `client` is to move there. */
  take(client: MovableClient): void {
    this.#waiting.add(client);
  }

  /** Moves whoever can be moved now, and offers the next ones. */
  work(): void {
    if (this.#isGone) return;
    this.#give();
    if (this.#offered.size === 0) this.#offer();
  }

  /** Says goodbye; whoever is in its hands stays here. */
  close(): void {
    this.#lines.close();
    this.#onGone();
  }

  #onMessage(message: unknown): void {
    const said = readHandover(message);
    if (said?.verb === "inbox") this.#inbox.resolve(said.path);
    if (said?.verb === "held") this.#onHeld(said.ids);
  }

  /** Whoever it says nothing of, it does not take: it has no room, or something went wrong on the way. */
  #onHeld(ids: readonly number[]): void {
    for (const id of ids) {
      const client = this.#offered.get(id);
      if (client !== undefined) this.#held.set(id, client);
      this.#offered.delete(id);
    }
    for (const client of this.#offered.values()) this.#onLeft(client);
    this.#offered.clear();
    this.work();
  }

  /** In one turn: a client is at rest, is let go of, and is said to be the other one's. */
  #give(): void {
    let clients: MovedClient[] = [];
    let characters = 0;
    const kept: number[] = [];
    for (const [id, client] of this.#held) {
      const ticket = client.mayMove ? client.ticketNow() : null;
      if (client.mayMove && ticket === null) continue;
      this.#held.delete(id);
      if (ticket === null) kept.push(id);
      else {
        const { tenant, transport } = client;
        clients.push({ id, tenant, address: transport.remoteAddress, ticket });
        characters += ticket.length;
        transport.release();
      }
      this.#onLeft(client);
      if (characters < LINE_TICKETS_CHARACTERS) continue;
      this.#say(clients);
      clients = [];
      characters = 0;
    }
    if (kept.length > 0) this.#lines.send({ verb: "kept", ids: kept });
    this.#say(clients);
  }

  #say(clients: readonly MovedClient[]): void {
    this.moved += clients.length;
    if (clients.length > 0) this.#lines.send({ verb: "yours", clients });
  }

  #offer(): void {
    const descriptors: number[] = [];
    for (const client of this.#waiting) {
      const { descriptor } = client.transport;
      if (!client.mayMove) this.#leaveOut(client);
      else if (descriptor !== null) {
        this.#waiting.delete(client);
        descriptors.push(descriptor);
        this.#offered.set(this.#nextId, client);
        this.#nextId += 1;
      }
      if (descriptors.length === PARCEL_CLIENTS) break;
    }
    if (descriptors.length > 0) this.#post(descriptors);
  }

  #leaveOut(client: MovableClient): void {
    this.#waiting.delete(client);
    this.#onLeft(client);
  }

  #post(descriptors: readonly number[]): void {
    const { passing, environment } = this.#parts;
    try {
      const ids = [...this.#offered.keys()];
      const posting = passing.post(this.#path, writeParcel(ids), descriptors);
      if (posting === "sent") return this.#lines.send({ verb: "offered" });
    } catch (error) {
      environment.logger.warn({ reason: errorMessage(error) }, "clients could not be handed over");
      return this.close();
    }
    for (const client of this.#offered.values()) this.#waiting.add(client);
    this.#offered.clear();
  }

  #onGone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#inbox.reject(new Error("it has gone away"));
    this.#inbox.promise.catch(nothing); // it may have been there before
    const left = [...this.#waiting, ...this.#offered.values(), ...this.#held.values()];
    this.#waiting.clear();
    this.#offered.clear();
    this.#held.clear();
    for (const client of left) this.#onLeft(client);
  }
}

function nothing(): void {}
