/**
 * A client whose owner is another worker: what comes from either side goes to the other, at the pace that it
 * takes it, until one of them ends.
 */

import type { PoolerError } from "../base/pooler-error.ts";
import type { EdgeChannel } from "../link/link-port.ts";
import type { Channel, ChannelHandler } from "../net/channel.ts";
import { errorResponseOf } from "../wire/backend/error-response.ts";
import { OwnerLostError, OwnerLostInTransactionError } from "./owner-lost-errors.ts";

/** ReadyForQuery: Byte1('Z') Int32(5) Byte1(status). */
const READY_FOR_QUERY = 0x5a;
const READY_FOR_QUERY_BYTES = 6;
const IDLE = 0x49;

/**
 * Joins them until either ends.
 * @param onOver either side has ended
 */
export function joinFarClient(client: Channel, far: EdgeChannel, onOver: () => void): void {
  const joint = new FarClient(client, far, onOver);
  far.client = client;
  far.handler = new FarSide(joint);
  client.handler = joint;
  client.resume();
}

class FarClient implements ChannelHandler {
  readonly #client: Channel;
  readonly #far: EdgeChannel;
  readonly #onOver: () => void;
  /** Whether it has been told that all it asked is done, and has asked nothing since. */
  #idle = false;
  #over = false;

  constructor(client: Channel, far: EdgeChannel, onOver: () => void) {
    this.#client = client;
    this.#far = far;
    this.#onOver = onOver;
  }

  onBytes(bytes: Uint8Array): void {
    this.#idle = false;
    if (!this.#far.write(bytes, 0, bytes.length)) this.#client.pause();
  }

  onDrained(): void {
    this.#far.resume();
  }

  onClosed(): void {
    this.#far.close();
    this.#end();
  }

  onFarBytes(bytes: Uint8Array): void {
    this.#idle = endsIdle(bytes);
    if (!this.#client.write(bytes, 0, bytes.length)) this.#far.pause();
  }

  onFarDrained(): void {
    this.#client.resume();
  }

  onFarClosed(): void {
    if (this.#over) return;
    this.#end();
    if (this.#far.lost) this.#lose();
    else if (this.#far.ending === "destroy") this.#client.destroy();
    else if (this.#far.ending === "hangUp") this.#client.hangUp();
    else this.#client.close();
  }

  /** The owner is gone. Inside a message nothing can be said. */
  #lose(): void {
    if (!this.#far.endsInside) this.#say(this.#farewell());
    this.#client.close();
  }

  #farewell(): PoolerError {
    return this.#idle ? new OwnerLostError() : new OwnerLostInTransactionError();
  }

  #say(error: PoolerError): void {
    const message = errorResponseOf(error);
    this.#client.write(message, 0, message.length);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#onOver();
  }
}

/** The owner's side of a {@link FarClient}. */
class FarSide implements ChannelHandler {
  readonly #owner: FarClient;

  constructor(owner: FarClient) {
    this.#owner = owner;
  }

  onBytes(bytes: Uint8Array): void {
    this.#owner.onFarBytes(bytes);
  }

  onDrained(): void {
    this.#owner.onFarDrained();
  }

  onClosed(): void {
    this.#owner.onFarClosed();
  }
}

/** Whether the last message in `bytes` is a ReadyForQuery outside a transaction; it may be a row that looks so. */
function endsIdle(bytes: Uint8Array): boolean {
  const at = bytes.length - READY_FOR_QUERY_BYTES;
  return at >= 0 && bytes[at] === READY_FOR_QUERY && bytes[at + 4] === 5 && bytes[at + 5] === IDLE;
}
