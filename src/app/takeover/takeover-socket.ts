/**
 * Where a running Carpool is asked for its place by the one that is to follow it: a unix socket in the folder of its
 * data, for its own user alone.
 */

import { renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { errorMessage } from "../../base/error-message.ts";
import type { CancelNotice } from "../../edge/cancel-notice.ts";
import { type DescriptorPassing, PARCEL_DESCRIPTORS_MAX } from "../../net/descriptor-passing.ts";
import { dialUnix } from "../../net/dial-unix.ts";
import { JsonLines } from "../../net/json-lines.ts";
import { listenUnix, type UnixListener } from "../../net/listen-unix.ts";
import type { NetEnvironment } from "../../net/net-environment.ts";
import type { Transport } from "../../net/transport.ts";
import type { ListeningSocket } from "../listening/listening-sockets.ts";
import {
  adoptersIn,
  isServing,
  isTakeOver,
  readCancel,
  type TakeOver,
  type TakeoverAnswer,
  writeSockets,
} from "./takeover-messages.ts";

export const TAKEOVER_SOCKET = "takeover.sock";

/** Who runs here, as its successor sees it. */
export interface TakeoverHost {
  /** Empty: it is about to end. */
  readonly listeningSockets: readonly ListeningSocket[];
  /** Takes clients of the process before from now on. Returns the paths where they may be brought to; empty: it can't. */
  adoptClients(): readonly string[];
  /** Another process takes the clients from now on. */
  onReplaced(successor: NextProcess): void;
  /** A CancelRequest came there; its client may be here. */
  onCancel(processId: number, secretKey: Uint8Array): void;
}

/** Who takes its place. */
export interface NextProcess {
  readonly processId: number;
  /** Where it takes clients that are here; empty: it takes none. */
  readonly adopters: readonly string[];
}

export interface TakeoverParts {
  /** Of the data; only this user may enter it. */
  readonly folder: string;
  readonly environment: NetEnvironment;
  readonly passing: DescriptorPassing;
}

const OWNER_ONLY_MASK = 0o177;

/** Root may do everything anyhow. */
const ROOT = 0;

export class TakeoverSocket {
  readonly #parts: TakeoverParts;
  readonly #host: TakeoverHost;
  readonly #path: string;
  readonly #listener: UnixListener;
  /** The file that is ours, whoever has its name by now. */
  readonly #inode: number;
  /** Who has asked, until it serves or is gone. */
  #successor: Successor | null = null;
  #replaced = false;

  private constructor(parts: TakeoverParts, host: TakeoverHost) {
    this.#parts = parts;
    this.#host = host;
    this.#path = join(parts.folder, TAKEOVER_SOCKET);
    // Made beside it and put there whole: whoever comes finds the one before or this one.
    const own = join(parts.folder, `takeover-${process.pid}.sock`);
    const mask = process.umask(OWNER_ONLY_MASK);
    try {
      this.#listener = listenUnix(own, parts.environment, (transport) => this.#meet(transport));
    } finally {
      process.umask(mask);
    }
    this.#inode = statSync(own).ino;
    renameSync(own, this.#path);
  }

  /**
   * Opens it, in the place of a process that is gone or is being replaced. Returns null where another one
   * runs with this folder: that one keeps it. Throws what the system objects to.
   * @param replaced whether this process has taken over from the one that may still be there
   */
  static async open(
    parts: TakeoverParts,
    host: TakeoverHost,
    replaced: boolean,
  ): Promise<TakeoverSocket | null> {
    if (!replaced && (await isAttended(parts))) return null;
    return new TakeoverSocket(parts, host);
  }

  /** Nobody is answered any more. Idempotent. */
  close(): void {
    this.#listener.stop();
    const there = statSync(this.#path, { throwIfNoEntry: false });
    if (there?.ino === this.#inode) rmSync(this.#path, { force: true });
  }

  #meet(transport: Transport): void {
    const host = this.#host;
    const successor = new Successor(transport, {
      onTakeOver: (asker, request) => this.#onTakeOver(asker, request),
      onServing: (asker, next) => this.#onServing(asker, next),
      onCancel: (asker, { processId, secretKey }) => {
        if (this.#successor === asker && this.#replaced) host.onCancel(processId, secretKey);
      },
      onGone: (asker) => {
        if (this.#successor === asker) this.#successor = null;
      },
    });
    if (!isTrusted(transport)) successor.refuse("another user asks");
  }

  #onTakeOver(asker: Successor, { inbox, processId }: TakeOver): void {
    const { listeningSockets } = this.#host;
    const { logger } = this.#parts.environment;
    if (this.#replaced || this.#successor !== null) {
      return asker.refuse("another process is about to take over");
    }
    if (listeningSockets.length === 0) return asker.refuse("it is stopping");
    this.#successor = asker;
    try {
      const parcels = this.#post(join(this.#parts.folder, inbox), listeningSockets);
      logger.info({ processId }, "another process wants to take over");
      asker.answer({ verb: "sockets", parcels });
    } catch (error) {
      logger.warn({ processId, reason: errorMessage(error) }, "sockets could not be handed over");
      asker.refuse(errorMessage(error));
    }
  }

  #post(inbox: string, sockets: readonly ListeningSocket[]): number {
    let parcels = 0;
    for (let start = 0; start < sockets.length; start += PARCEL_DESCRIPTORS_MAX) {
      const chunk = sockets.slice(start, start + PARCEL_DESCRIPTORS_MAX);
      const descriptors = chunk.map(({ descriptor }) => descriptor);
      const posting = this.#parts.passing.post(inbox, writeSockets(chunk), descriptors);
      if (posting !== "sent") throw new Error(`the inbox of the asking process is ${posting}`);
      parcels += 1;
    }
    return parcels;
  }

  #onServing(asker: Successor, next: NextProcess): void {
    if (this.#successor !== asker || this.#replaced) return;
    this.#replaced = true;
    this.#host.onReplaced(next); // takes no clients when this returns
    asker.answer({ verb: "retiring" });
  }
}

interface SuccessorEvents {
  onTakeOver(asker: Successor, request: TakeOver): void;
  onServing(asker: Successor, next: NextProcess): void;
  onCancel(asker: Successor, cancel: CancelNotice): void;
  onGone(asker: Successor): void;
}

/** A process that asks. */
class Successor {
  readonly #lines: JsonLines;
  readonly #events: SuccessorEvents;
  #processId: number | null = null;

  constructor(transport: Transport, events: SuccessorEvents) {
    this.#events = events;
    this.#lines = new JsonLines(transport, {
      onMessage: (message) => this.#onMessage(message),
      onClosed: () => events.onGone(this),
    });
  }

  answer(answer: TakeoverAnswer): void {
    this.#lines.send(answer);
  }

  refuse(reason: string): void {
    this.answer({ verb: "refused", reason });
    this.#lines.close();
  }

  #onMessage(message: unknown): void {
    if (isTakeOver(message) && this.#processId === null) {
      this.#processId = message.processId;
      this.#events.onTakeOver(this, message);
    } else if (isServing(message) && this.#processId !== null) {
      const adopters = adoptersIn(message);
      this.#events.onServing(this, { processId: this.#processId, adopters });
    } else {
      const cancel = readCancel(message);
      if (cancel !== null) this.#events.onCancel(this, cancel);
    }
  }
}

/** Returns whether the other side of a unix socket is this user or root, as the kernel says. */
export function isTrusted(transport: Transport): boolean {
  const user = transport.peerUser;
  return user !== null && (user === ROOT || user === process.geteuid?.());
}

/** Whether a process that answers has the socket. */
async function isAttended({ folder, environment }: TakeoverParts): Promise<boolean> {
  try {
    const transport = await dialUnix(join(folder, TAKEOVER_SOCKET), environment, nothing);
    transport.handler = { onBytes: nothing, onDrained: nothing, onClosed: nothing };
    transport.destroy();
    return true;
  } catch {
    return false; // nobody has been here, or has gone without tidying up
  }
}

function nothing(): void {}
