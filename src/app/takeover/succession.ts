/**
 * A process between the one whose place it takes and the one that takes its place.
 */

import { errorMessage } from "../../base/error-message.ts";
import { DescriptorPassing } from "../../net/descriptor-passing.ts";
import type { NetEnvironment } from "../../net/net-environment.ts";
import type { ListeningSocket } from "../listening/listening-sockets.ts";
import { TakeoverError } from "../start-errors.ts";
import { Takeover } from "./takeover.ts";
import { type TakeoverHost, type TakeoverParts, TakeoverSocket } from "./takeover-socket.ts";

export interface SuccessionParts {
  /** Of the data: who has the same one is the one before. Only this user may enter it. */
  readonly folder: string;
  readonly environment: NetEnvironment;
}

export class Succession {
  readonly #parts: SuccessionParts;
  /** Null: this system passes no sockets on. */
  readonly #passing: DescriptorPassing | null;
  /** Of the process before this one; null: there is none, or its place is not taken. */
  #takeover: Takeover | null = null;
  /** For the process behind this one. */
  #socket: TakeoverSocket | null = null;

  constructor(parts: SuccessionParts) {
    this.#parts = parts;
    this.#passing = DescriptorPassing.forThisSystem();
  }

  /**
   * Asks the process before for what it listens on, which whoever gets it closes; empty: there is none. It serves on
   * until {@link finish}, and after {@link abandon}. Rejects with a TakeoverError.
   */
  async begin(): Promise<readonly ListeningSocket[]> {
    const parts = this.#takeoverParts;
    if (parts === null) throw new TakeoverError("this system passes no sockets on");
    this.#takeover = await Takeover.begin(parts);
    const { logger } = this.#parts.environment;
    if (this.#takeover === null) logger.info({}, "there is no running Carpool to replace");
    return this.#takeover?.sockets ?? [];
  }

  /** This process does not start. */
  abandon(): void {
    this.#takeover?.abandon();
  }

  /**
   * This process serves: the one before takes no more clients, and `host` may be replaced from now on. Should either fail,
   * it is logged: the clients are served all the same.
   */
  async finish(host: TakeoverHost): Promise<void> {
    const takeover = this.#takeover;
    await this.#try(
      () => takeover?.finish(host.adoptClients()),
      "the process before has not said that it takes no more clients",
    );
    await this.#try(async () => {
      const parts = this.#takeoverParts;
      if (parts === null) return;
      this.#socket = await TakeoverSocket.open(parts, host, takeover !== null);
      if (this.#socket !== null) return;
      const { logger } = this.#parts.environment;
      logger.warn(
        { folder: parts.folder },
        "another Carpool has this folder; --replace means that one",
      );
    }, "this process can't be replaced by another one");
  }

  /** Tells a CancelRequest on to the process before, where one may be there still. */
  readonly tellCancel = (processId: number, secretKey: Uint8Array): void => {
    this.#takeover?.tellCancel(processId, secretKey);
  };

  /** Nobody can take this process's place any more. */
  close(): void {
    this.#socket?.close();
  }

  get #takeoverParts(): TakeoverParts | null {
    return this.#passing === null ? null : { ...this.#parts, passing: this.#passing };
  }

  async #try(step: () => Promise<void> | undefined, otherwise: string): Promise<void> {
    try {
      await step();
    } catch (error) {
      this.#parts.environment.logger.warn({ reason: errorMessage(error) }, otherwise);
    }
  }
}
