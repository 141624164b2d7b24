/**
 * The sockets that this node listens on, held by the process that was started. Its workers get copies, the
 * next version of the program gets them all: so a worker that dies, or a program that is replaced, resets nobody
 * who waits in a queue, and the ports are never free for somebody else. Linux only; elsewhere, each pooler binds
 * its own.
 */

import { closeSync } from "node:fs";
import { canonicalAddress } from "../../base/ip-address.ts";
import type { Config } from "../../config/settings.ts";
import { PortInUseError } from "../../net/listen-error.ts";
import type { ListeningSocketMaker } from "../../net/listening-socket.ts";
import { PortTakenError, PortUnusableError } from "../start-errors.ts";
import { ALL_PORTS, type PortPlace, type PortUse, placesOf, SETTING_OF } from "./port-place.ts";

/** A socket that listens. Several of them may share one address. */
export interface ListeningSocket<Use extends PortUse = PortUse> extends PortPlace<Use> {
  readonly descriptor: number;
}

/** Accept queue of each socket; the kernel caps it at net.core.somaxconn. */
const BACKLOG = 4096;

export class ListeningSockets {
  readonly #maker: ListeningSocketMaker;
  readonly #held: ListeningSocket[] = [];

  private constructor(maker: ListeningSocketMaker) {
    this.#maker = maker;
  }

  /**
   * Holds what the settings name: of `handedOver` what fits, and closes the rest; what is missing is bound.
   * Throws a PortTakenError or PortUnusableError; nothing is held then, and all of `handedOver` is closed.
   * @param workers that each port of the pooler is shared by
   */
  static open(
    config: Config,
    workers: number,
    handedOver: readonly ListeningSocket[],
    maker: ListeningSocketMaker,
  ): ListeningSockets {
    const sockets = new ListeningSockets(maker);
    const offered = new Set(handedOver);
    try {
      const places = placesOf(config, ALL_PORTS);
      const chosen = places.filter(({ port }) => port !== 0);
      const free = places.filter(({ port }) => port === 0);
      for (const place of [...chosen, ...free]) {
        sockets.#hold(place, place.use === "http" ? 1 : workers, offered);
      }
      return sockets;
    } catch (error) {
      sockets.close();
      throw error;
    } finally {
      for (const { descriptor } of offered) closeSync(descriptor);
    }
  }

  /** All of them. */
  get held(): readonly ListeningSocket[] {
    return this.#held;
  }

  /** The port of a use, also where the system chose it. */
  portOf(use: PortUse): number {
    return this.#of(use)[0]?.port ?? 0;
  }

  /**
   * Returns what one of so many workers serves. Each socket has a worker, and each worker a socket of each
   * address: where there are fewer of them, workers share one.
   */
  shareOf<Use extends PortUse>(
    uses: readonly Use[],
    worker: number,
    workers: number,
  ): readonly ListeningSocket<Use>[] {
    return uses.flatMap((use) => {
      const sockets = this.#of(use);
      const hostnames = [...new Set(sockets.map(({ hostname }) => hostname))];
      return hostnames.flatMap((hostname) =>
        shareOf(
          sockets.filter((socket) => socket.hostname === hostname),
          worker,
          workers,
        ),
      );
    });
  }

  /** Returns the same with descriptors that are the caller's to close. */
  copiesOf<Use extends PortUse>(
    sockets: readonly ListeningSocket<Use>[],
  ): readonly ListeningSocket<Use>[] {
    return sockets.map(({ use, hostname, port, descriptor }) => {
      return { use, hostname, port, descriptor: this.#maker.duplicate(descriptor) };
    });
  }

  /** Listens no more, once all copies are closed too. Idempotent. */
  close(): void {
    for (const { descriptor } of this.#held.splice(0)) closeSync(descriptor);
  }

  #of<Use extends PortUse>(use: Use): readonly ListeningSocket<Use>[] {
    return this.#held.filter((socket): socket is ListeningSocket<Use> => socket.use === use);
  }

  /** Holds what is offered of an address, and makes more until there are `count`. */
  #hold(
    { use, hostname, port: wanted }: PortPlace,
    count: number,
    offered: Set<ListeningSocket>,
  ): void {
    const port =
      wanted === 0 ? (this.#portTakenFor(use) ?? this.#portOffered(use, offered)) : wanted;
    const fitting = [...offered].filter(
      (socket) =>
        socket.port === port && canonicalAddress(socket.hostname) === canonicalAddress(hostname),
    );
    for (const socket of fitting) {
      offered.delete(socket);
      this.#held.push({ ...socket, use, hostname });
    }
    if (fitting.length === 0) this.#bindAll({ use, hostname, port }, count);
    else this.#bindMore({ use, hostname, port }, count - fitting.length);
  }

  /** All addresses of a use have the same port, also where the system chose it. */
  #portTakenFor(use: PortUse): number | null {
    const port = this.portOf(use);
    return port === 0 ? null : port;
  }

  #portOffered(use: PortUse, offered: ReadonlySet<ListeningSocket>): number {
    for (const socket of offered) if (socket.use === use) return socket.port;
    return 0;
  }

  #bindAll(place: PortPlace, count: number): void {
    if (count === 1) return this.#bind(place, false);
    // Any process of this user could share the port: whether one does, only a socket that shares nothing shows.
    this.#bind(place, false);
    const alone = this.#held.pop();
    if (alone === undefined) return;
    closeSync(alone.descriptor);
    for (let made = 0; made < count; made += 1) {
      this.#bind({ ...place, port: alone.port }, true);
    }
  }

  /** A socket that was made to be alone can't be joined: then workers share it. */
  #bindMore(place: PortPlace, count: number): void {
    try {
      for (let made = 0; made < count; made += 1) this.#bind(place, true);
    } catch (error) {
      if (!(error instanceof PortTakenError)) throw error;
    }
  }

  #bind({ use, hostname, port }: PortPlace, shared: boolean): void {
    const setting = SETTING_OF[use];
    try {
      const descriptor = this.#maker.open({ hostname, port, backlog: BACKLOG, shared });
      const bound = this.#maker.addressOf(descriptor)?.port ?? port;
      this.#held.push({ use, hostname, port: bound, descriptor });
    } catch (error) {
      if (error instanceof PortInUseError) throw new PortTakenError(setting, hostname, port);
      throw new PortUnusableError(setting, error);
    }
  }
}

function shareOf<Socket>(
  sockets: readonly Socket[],
  worker: number,
  workers: number,
): readonly Socket[] {
  if (sockets.length < workers) return sockets.slice(worker % sockets.length).slice(0, 1);
  return sockets.filter((_, index) => index % workers === worker);
}

/** Returns whether `value`, which came from another process, is one. */
export function isListeningSocket(value: unknown): value is ListeningSocket {
  if (typeof value !== "object" || value === null) return false;
  return (
    "use" in value &&
    ALL_PORTS.some((use) => use === value.use) &&
    "hostname" in value &&
    typeof value.hostname === "string" &&
    "port" in value &&
    typeof value.port === "number" &&
    "descriptor" in value &&
    typeof value.descriptor === "number"
  );
}
