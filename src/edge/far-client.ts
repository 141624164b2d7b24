/**
 * A client whose owner is another worker: what comes from either side goes to the other, at the pace that it
 * takes it, until one of them ends.
 *
 *   waiting ── joined ── over
 *
 * When the owner is lost, a client that has nothing under way waits for the next one in its place, and goes on there
 * as if nothing had been; it is not read meanwhile. The others are told what they have lost.
 */

import { assert } from "../base/assert.ts";
import type { PoolerError } from "../base/pooler-error.ts";
import type { EdgeChannel, LinkPort } from "../link/link-port.ts";
import type { Channel, ChannelHandler } from "../net/channel.ts";
import { type MovableClient, movableConnection } from "../net/movable-client.ts";
import { errorResponseOf } from "../wire/backend/error-response.ts";
import { type OwnerClaim, TicketClaim } from "./owner-claim.ts";
import { OwnerLostError, OwnerLostInTransactionError } from "./owner-lost-errors.ts";
import type { OwnerWaiter } from "./owner-waits.ts";

/** ReadyForQuery: Byte1('Z') Int32(5) Byte1(status). */
const READY_FOR_QUERY = 0x5a;
const READY_FOR_QUERY_BYTES = 6;

/** Who has such clients. */
export interface FarClientHost {
  now(): number;
  /** `client` waits for its owner. */
  awaitOwner(client: FarClient, deadlineMs: number): void;
  /** It waits no longer. */
  leave(client: FarClient): void;
  /** It has ended. Comes once. */
  onFarClientOver(client: FarClient): void;
}

export class FarClient implements ChannelHandler, OwnerWaiter {
  readonly tenant: string | null;
  /** The worker that owns it. */
  readonly worker: number;
  readonly #client: Channel;
  readonly #host: FarClientHost;
  /** Null: something went either way since its present owner has it. Then it serves nobody, and is some 2 KB. */
  #claim: OwnerClaim | null;
  /** Null: it waits, or is over. */
  #far: EdgeChannel | null = null;
  /** Whether it was told that it is in. */
  #isIn: boolean;
  #isOver = false;
  /** What the client has sent behind its startup, until its first owner gets it. */
  #early: Uint8Array | null = null;

  constructor(
    client: Channel,
    tenant: string | null,
    worker: number,
    claim: OwnerClaim,
    host: FarClientHost,
  ) {
    this.#client = client;
    this.tenant = tenant;
    this.worker = worker;
    this.#claim = claim;
    this.#host = host;
    this.#isIn = claim instanceof TicketClaim;
  }

  /** Returns it as another process could go on with it; null: its connection can't be passed on. */
  asMovable(): MovableClient | null {
    const { tenant } = this;
    const transport = movableConnection(this.#client);
    if (tenant === null || transport === null) return null;
    const far = (): EdgeChannel | null => this.#far;
    return {
      tenant,
      transport,
      get mayMove() {
        const channel = far();
        return channel !== null && (channel.ticket !== null || !channel.resting);
      },
      ticketNow: () => {
        const channel = far();
        return channel?.resting === true && transport.descriptor !== null ? channel.ticket : null;
      },
    };
  }

  /**
   * Begins.
   * @param link null: its owner is away
   * @param early what the client has sent behind its startup
   */
  start(link: LinkPort | null, early: Uint8Array | null): void {
    this.#early = early;
    this.#client.handler = this;
    if (link === null) this.#awaitOwner(this.#unusedClaim);
    else this.#join(link);
  }

  onBytes(bytes: Uint8Array): void {
    assert(this.#far !== null, "a client that waits for its owner is not read");
    this.#claim = null;
    if (!this.#far.write(bytes, 0, bytes.length)) this.#client.pause();
  }

  onDrained(): void {
    this.#far?.resume();
  }

  onClosed(): void {
    this.#host.leave(this);
    // A reset is noticed where nobody reads, too: what the owner has not read is wanted no more.
    if (this.#client.brokeOff) this.#far?.destroy();
    else this.#far?.close();
    this.#end();
  }

  onOwner(link: LinkPort): void {
    if (!this.#client.closed) this.#join(link);
  }

  onOwnerAway(): void {
    this.#sendAway(this.#unusedClaim.refusalAt(this.#host.now()));
  }

  onFarBytes(bytes: Uint8Array): void {
    this.#claim = null;
    this.#isIn ||= endsReady(bytes);
    if (!this.#client.write(bytes, 0, bytes.length)) this.#far?.pause();
  }

  onFarDrained(): void {
    this.#client.resume();
  }

  onFarClosed(): void {
    const far = this.#far;
    if (this.#isOver || far === null) return;
    this.#far = null;
    if (far.lost) return this.#onOwnerLost(far);
    this.#end();
    if (far.ending === "destroy") this.#client.destroy();
    else if (far.ending === "hangUp") this.#client.hangUp();
    else this.#client.close();
  }

  /** Of a client that waits for its owner. */
  get #unusedClaim(): OwnerClaim {
    assert(this.#claim !== null, "a client comes to an owner by a claim");
    return this.#claim;
  }

  #onOwnerLost(far: EdgeChannel): void {
    const claim = this.#claimBehind(far);
    if (claim !== null) {
      this.#claim = claim;
      // Owners that are lost one after the other, before they have taken it, give no more time.
      if (this.#host.now() < claim.deadlineMs) this.#awaitOwner(claim);
      else this.onOwnerAway();
    } else if (far.endsInside) {
      this.#end();
      this.#client.close(); // nothing can be said there
    } else this.#sendAway(this.#farewellBehind(far));
  }

  /** Returns by what the next owner takes it; null: it cannot. One that nothing came of is as good as before. */
  #claimBehind(far: EdgeChannel): OwnerClaim | null {
    if (far.resting && far.ticket !== null) return new TicketClaim(far.ticket, this.#host.now());
    return this.#claim;
  }

  /** Where it is not certain that nothing was under way, it may have been. */
  #farewellBehind(far: EdgeChannel): PoolerError {
    return far.resting || !this.#isIn ? new OwnerLostError() : new OwnerLostInTransactionError();
  }

  #join(link: LinkPort): void {
    const far = link.open(this.#unusedClaim.openingAt(this.#host.now()));
    this.#far = far;
    far.client = this.#client;
    far.handler = new FarSide(this);
    this.#client.resume();
    const early = this.#early;
    this.#early = null;
    if (early !== null) this.onBytes(early);
  }

  #awaitOwner({ deadlineMs }: OwnerClaim): void {
    this.#client.pause();
    this.#host.awaitOwner(this, deadlineMs);
  }

  #sendAway(error: PoolerError): void {
    this.#end();
    const message = errorResponseOf(error);
    this.#client.write(message, 0, message.length);
    this.#client.close();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#host.onFarClientOver(this);
  }
}

/** The owner's side of a {@link FarClient}. */
class FarSide implements ChannelHandler {
  readonly #client: FarClient;

  constructor(client: FarClient) {
    this.#client = client;
  }

  onBytes(bytes: Uint8Array): void {
    this.#client.onFarBytes(bytes);
  }

  onDrained(): void {
    this.#client.onFarDrained();
  }

  onClosed(): void {
    this.#client.onFarClosed();
  }
}

/** Whether the last message in `bytes` is a ReadyForQuery; before it, a client has no rows that may look so. */
function endsReady(bytes: Uint8Array): boolean {
  const at = bytes.length - READY_FOR_QUERY_BYTES;
  return at >= 0 && bytes[at] === READY_FOR_QUERY && bytes[at + 4] === 5;
}
