/**
 * Leads clients to their tenants' owners: to the one of this worker by a call, to another worker's over a link.
 */

import type { Clock } from "../base/clock.ts";
import type { PoolerError } from "../base/pooler-error.ts";
import type { Ownership } from "../cluster/ownership.ts";
import { servesLocally } from "../cluster/tenant-owners.ts";
import type { WorkerPeers } from "../cluster/worker-peers.ts";
import type { LinkPort } from "../link/link-port.ts";
import type { Channel, ChannelHandler } from "../net/channel.ts";
import type { ChannelOpening, ChannelOwner } from "../net/channel-opening.ts";
import { encodeChannelOpening } from "../net/channel-opening-codec.ts";
import type { TenantDirectory } from "../tenants/tenant-directory.ts";
import { errorResponseOf } from "../wire/backend/error-response.ts";
import { CANCEL_VERB, encodeCancel } from "./cancel-notice.ts";
import { joinFarClient } from "./far-client.ts";
import { OwnerAwayError, TooManyWaitForOwnerError } from "./owner-lost-errors.ts";

/** The owner of this worker. */
export interface LocalOwner extends ChannelOwner {
  /** Clients of a tenant, those that came over links included. */
  clientsOf(tenantId: string): number;
}

export interface OwnerRouterParts {
  readonly local: LocalOwner;
  readonly ownership: Ownership;
  readonly peers: WorkerPeers;
  readonly directory: TenantDirectory;
  readonly clock: Clock;
  /** How long a client may take to log in. */
  readonly loginTimeoutMs: () => number;
  /** Returns the worker that gave a client the cancel key with this process id; null: none of this node. */
  readonly workerOfKey: (processId: number) => number | null;
}

/** Clients that wait for a worker that is away; each holds its startup in memory, and nothing else. */
const WAITING_MAX = 10_000;

/** Where a worker that was killed takes longer to be there again, the client had better try again. */
const OWNER_TIMEOUT_MS = 10_000;

/** Nothing comes from a client that is paused, but its end, which is asked for. */
const WAITING: ChannelHandler = { onBytes() {}, onDrained() {}, onClosed() {} };

export class OwnerRouter implements ChannelOwner {
  readonly #parts: OwnerRouterParts;
  /** Clients that are served elsewhere, by tenant. */
  readonly #far = new Map<string, number>();
  #waiting = 0;

  constructor(parts: OwnerRouterParts) {
    this.#parts = parts;
  }

  /** Clients of this edge that are served elsewhere, or wait for that. */
  get farClients(): number {
    let sum = this.#waiting;
    for (const clients of this.#far.values()) sum += clients;
    return sum;
  }

  open(channel: Channel, opening: ChannelOpening): void {
    const { local, peers } = this.#parts;
    const worker = this.#workerFor(opening);
    if (worker === peers.self) return local.open(channel, opening);
    const link = peers.linkTo(worker);
    if (link === null) void this.#openLater(channel, opening, worker);
    else this.#openThere(channel, opening, link);
  }

  /** A key that names another worker of this node is sent there. */
  cancel(processId: number, secretKey: Uint8Array): void {
    const { local, peers, workerOfKey } = this.#parts;
    const worker = workerOfKey(processId);
    if (worker === peers.self) local.cancel(processId, secretKey);
    else if (worker !== null)
      peers.linkTo(worker)?.notify(CANCEL_VERB, encodeCancel(processId, secretKey));
  }

  #workerFor({ tenant: tenantId }: ChannelOpening): number {
    const { ownership, peers, directory, local } = this.#parts;
    if (tenantId === null) return peers.self;
    const ranking = ownership.ranking(tenantId);
    const first = ranking[0] ?? peers.self;
    const tenant = directory.peek(tenantId);
    if (first === peers.self || tenant === undefined || tenant === null) return first;
    const clients = 1 + local.clientsOf(tenantId) + (this.#far.get(tenantId) ?? 0);
    return servesLocally(tenant, ranking, peers.self, clients) ? peers.self : first;
  }

  async #openLater(channel: Channel, opening: ChannelOpening, worker: number): Promise<void> {
    if (this.#waiting >= WAITING_MAX)
      return refuse(channel, new TooManyWaitForOwnerError(WAITING_MAX));
    const { clock, peers, loginTimeoutMs } = this.#parts;
    const sinceMs = clock.now();
    const leftMs = Math.max(loginTimeoutMs() - opening.connectedForMs, 0);
    channel.handler = WAITING;
    channel.pause();
    this.#waiting += 1;
    const link = await peers.awaitLink(worker, Math.min(leftMs, OWNER_TIMEOUT_MS));
    this.#waiting -= 1;
    if (channel.closed) return;
    const waitedMs = clock.now() - sinceMs;
    if (link === null) return refuse(channel, new OwnerAwayError(waitedMs));
    const connectedForMs = opening.connectedForMs + waitedMs;
    this.#openThere(channel, { ...opening, connectedForMs }, link);
  }

  #openThere(channel: Channel, opening: ChannelOpening, link: LinkPort): void {
    const { tenant, early } = opening;
    this.#count(tenant, 1);
    const far = link.open(encodeChannelOpening({ ...opening, early: null }));
    joinFarClient(channel, far, () => this.#count(tenant, -1));
    if (early !== null && !far.write(early, 0, early.length)) channel.pause();
  }

  #count(tenant: string | null, change: number): void {
    if (tenant === null) return;
    const clients = (this.#far.get(tenant) ?? 0) + change;
    if (clients === 0) this.#far.delete(tenant);
    else this.#far.set(tenant, clients);
  }
}

function refuse(channel: Channel, error: PoolerError): void {
  const message = errorResponseOf(error);
  channel.write(message, 0, message.length);
  channel.close();
}
