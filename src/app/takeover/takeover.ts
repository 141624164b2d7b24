/**
 * Takes the place of a running Carpool: gets what it listens on, and tells it when to take no more clients.
 */

import { closeSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import type { DescriptorInbox } from "../../net/descriptor-passing.ts";
import { dialUnix } from "../../net/dial-unix.ts";
import { JsonLines } from "../../net/json-lines.ts";
import type { Transport } from "../../net/transport.ts";
import type { ListeningSocket } from "../listening/listening-sockets.ts";
import { TakeoverError } from "../start-errors.ts";
import { readAnswer, readSockets, type TakeoverAnswer, writeCancel } from "./takeover-messages.ts";
import { isTrusted, TAKEOVER_SOCKET, type TakeoverParts } from "./takeover-socket.ts";

/** It answers from its event loop, between two queries. */
const ANSWER_TIMEOUT_MS = 10_000;

export class Takeover {
  readonly #lines: JsonLines;
  readonly #clock: Clock;
  #answered = Promise.withResolvers<TakeoverAnswer>();
  #sockets: readonly ListeningSocket[] = [];

  private constructor(transport: Transport, clock: Clock) {
    this.#clock = clock;
    this.#lines = new JsonLines(transport, {
      onMessage: (message) => {
        const answer = readAnswer(message);
        if (answer !== null) this.#answered.resolve(answer);
      },
      onClosed: () => this.#answered.reject(new TakeoverError("it has gone away")),
    });
  }

  /**
   * Asks the Carpool that runs with this folder for its sockets. Returns null if none does; rejects with a
   * {@link TakeoverError}, and then that one serves on.
   */
  static async begin(parts: TakeoverParts): Promise<Takeover | null> {
    const transport = await dial(parts);
    if (transport === null) return null;
    const takeover = new Takeover(transport, parts.environment.clock);
    try {
      if (!isTrusted(transport)) throw new TakeoverError("another user runs it");
      await takeover.#fetch(parts);
      return takeover;
    } catch (error) {
      takeover.abandon();
      throw error;
    }
  }

  /** What the running one listens on; whoever takes them closes them. */
  get sockets(): readonly ListeningSocket[] {
    return this.#sockets;
  }

  /** Tells a CancelRequest on, whose client may be with the other process while that is there. */
  tellCancel(processId: number, secretKey: Uint8Array): void {
    this.#lines.send(writeCancel(processId, secretKey));
  }

  /**
   * This process takes clients: the other one takes none any more once it resolves, and ends on its own.
   * @param adopters where it may bring those that it has
   */
  async finish(adopters: readonly string[]): Promise<void> {
    const answer = await this.#ask({ verb: "serving", adopters });
    if (answer.verb !== "retiring") throw new TakeoverError("it does not say that it ends");
  }

  /** This process does not start: the other one serves on. */
  abandon(): void {
    this.#answered.promise.catch(() => undefined); // nobody waits for it
    this.#lines.close();
  }

  async #fetch({ folder, passing }: TakeoverParts): Promise<void> {
    const name = `takeover-${process.pid}.inbox`;
    const path = join(folder, name);
    rmSync(path, { force: true }); // of another process that had this number
    const inbox = passing.openInbox(path);
    try {
      const answer = await this.#ask({ verb: "takeOver", processId: process.pid, inbox: name });
      if (answer.verb === "refused") throw new TakeoverError(answer.reason);
      if (answer.verb !== "sockets") throw new TakeoverError("it speaks out of turn");
      this.#sockets = receiveAll(inbox, answer.parcels);
    } finally {
      inbox.close();
    }
  }

  async #ask(question: object): Promise<TakeoverAnswer> {
    const answered = Promise.withResolvers<TakeoverAnswer>();
    this.#answered = answered;
    const timer = this.#clock.after(ANSWER_TIMEOUT_MS, () =>
      answered.reject(new TakeoverError("it does not answer")),
    );
    this.#lines.send(question);
    try {
      return await answered.promise;
    } finally {
      timer.cancel();
    }
  }
}

/** Returns null where nobody listens. */
async function dial({ folder, environment }: TakeoverParts): Promise<Transport | null> {
  try {
    return await dialUnix(join(folder, TAKEOVER_SOCKET), environment, nothing);
  } catch {
    return null; // no such socket, or its process is gone
  }
}

/** Returns the sockets of all parcels. Throws a TakeoverError, and has closed them then. */
function receiveAll(inbox: DescriptorInbox, parcels: number): readonly ListeningSocket[] {
  const all: ListeningSocket[] = [];
  const received: number[] = [];
  try {
    for (let taken = 0; taken < parcels; taken += 1) {
      const parcel = inbox.receive();
      if (parcel === null) throw new TakeoverError("fewer sockets came than it says");
      received.push(...parcel.descriptors);
      const sockets = readSockets(parcel.payload, parcel.descriptors);
      if (sockets === null) throw new TakeoverError("what it listens on is not to be understood");
      all.push(...sockets);
    }
    return all;
  } catch (error) {
    for (const descriptor of received) closeSync(descriptor);
    throw error;
  }
}

function nothing(): void {}
