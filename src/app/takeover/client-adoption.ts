/**
 * Where a process takes the clients of the one whose place it takes: a unix socket for its own user alone, and an
 * inbox for descriptors beside it for each process that gives some away. See handover-messages.ts for what is said.
 */

import { closeSync, rmSync } from "node:fs";
import { errorMessage } from "../../base/error-message.ts";
import { adoptConnection } from "../../net/adopt-connection.ts";
import type { DescriptorInbox, DescriptorPassing } from "../../net/descriptor-passing.ts";
import { JsonLines } from "../../net/json-lines.ts";
import { listenUnix, type UnixListener } from "../../net/listen-unix.ts";
import type { NetEnvironment } from "../../net/net-environment.ts";
import type { Transport } from "../../net/transport.ts";
import { type MovedClient, readHandover, readParcel } from "./handover-messages.ts";
import { isTrusted } from "./takeover-socket.ts";

/** Who goes on with the clients. */
export interface AdoptionHost {
  /** Whether there is no room for more of them now. */
  readonly isFull: boolean;
  /** All that follows on `transport` is for us; sets its handler, or ends it. */
  adopt(transport: Transport, tenant: string, ticket: string): void;
}

export interface AdoptionParts {
  /** A file's path in a folder that only this user may enter. */
  readonly path: string;
  readonly environment: NetEnvironment;
  readonly passing: DescriptorPassing;
  readonly host: AdoptionHost;
}

const OWNER_ONLY_MASK = 0o177;

export class ClientAdoption {
  readonly #parts: AdoptionParts;
  readonly #listener: UnixListener;
  readonly #givers = new Set<Giver>();
  #inboxes = 0;
  #openTransports = 0;

  /** Listens. Throws what the system objects to. */
  constructor(parts: AdoptionParts) {
    this.#parts = parts;
    const mask = process.umask(OWNER_ONLY_MASK);
    try {
      this.#listener = listenUnix(parts.path, parts.environment, (giver) => this.#meet(giver));
    } finally {
      process.umask(mask);
    }
  }

  /** Connections that came this way and are not closed yet, those included that nobody has said are ours. */
  get openTransports(): number {
    let open = this.#openTransports;
    for (const giver of this.#givers) open += giver.holding;
    return open;
  }

  /** Takes no more. Those who are here go on. Idempotent. */
  close(): void {
    this.#listener.stop();
    for (const giver of this.#givers) giver.dismiss();
  }

  #meet(transport: Transport): void {
    this.#inboxes += 1;
    const path = `${this.#parts.path}.${this.#inboxes}`;
    rmSync(path, { force: true }); // of a process that was killed
    const giver = new Giver(transport, this.#parts.passing.openInbox(path), {
      isFull: () => this.#parts.host.isFull,
      onMoved: (client, descriptor) => void this.#adopt(client, descriptor),
      onGone: (gone) => this.#givers.delete(gone),
    });
    this.#givers.add(giver);
    if (!isTrusted(transport)) giver.dismiss();
  }

  async #adopt({ tenant, address, ticket }: MovedClient, descriptor: number): Promise<void> {
    const { environment, host } = this.#parts;
    this.#openTransports += 1;
    const onClosed = (): void => {
      this.#openTransports -= 1;
    };
    const onOpen = (transport: Transport): void => {
      transport.speaksFor(address);
      host.adopt(transport, tenant, ticket);
    };
    try {
      await adoptConnection(descriptor, environment, onOpen, onClosed);
    } catch (error) {
      closeSync(descriptor);
      onClosed();
      environment.logger.warn({ reason: errorMessage(error) }, "a client could not be taken over");
    }
  }
}

interface GiverEvents {
  isFull(): boolean;
  /** The client is ours. */
  onMoved(client: MovedClient, descriptor: number): void;
  /** It says no more. Comes once. */
  onGone(giver: Giver): void;
}

/** A process that gives clients away. */
class Giver {
  readonly #lines: JsonLines;
  readonly #inbox: DescriptorInbox;
  readonly #events: GiverEvents;
  /** Copies of connections that are the other process's still. */
  readonly #held = new Map<number, number>();

  constructor(transport: Transport, inbox: DescriptorInbox, events: GiverEvents) {
    this.#inbox = inbox;
    this.#events = events;
    this.#lines = new JsonLines(transport, {
      onMessage: (message) => this.#onMessage(message),
      onClosed: () => this.#onGone(),
    });
    this.#lines.send({ verb: "inbox", path: inbox.path });
  }

  /** How many copies it has. */
  get holding(): number {
    return this.#held.size;
  }

  dismiss(): void {
    this.#lines.close();
  }

  #onMessage(message: unknown): void {
    const said = readHandover(message);
    if (said?.verb === "offered") this.#lines.send({ verb: "held", ids: this.#receive() });
    if (said?.verb === "kept") for (const id of said.ids) this.#close(id);
    if (said?.verb === "yours") for (const client of said.clients) this.#take(client);
  }

  /** Returns of whom a copy came. */
  #receive(): readonly number[] {
    const parcel = this.#inbox.receive();
    if (parcel === null) return [];
    const { payload, descriptors } = parcel;
    const ids = this.#events.isFull() ? null : readParcel(payload, descriptors.length);
    for (const [at, descriptor] of descriptors.entries()) {
      const id = ids?.[at];
      if (id === undefined || this.#held.has(id)) closeSync(descriptor);
      else this.#held.set(id, descriptor);
    }
    return ids ?? [];
  }

  #take(client: MovedClient): void {
    const descriptor = this.#held.get(client.id);
    if (descriptor === undefined) return;
    this.#held.delete(client.id);
    this.#events.onMoved(client, descriptor);
  }

  #close(id: number): void {
    const descriptor = this.#held.get(id);
    if (descriptor !== undefined) closeSync(descriptor);
    this.#held.delete(id);
  }

  #onGone(): void {
    for (const id of this.#held.keys()) this.#close(id);
    this.#inbox.close();
    this.#events.onGone(this);
  }
}
