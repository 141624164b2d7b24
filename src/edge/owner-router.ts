/**
 * Leads clients to their tenants' owners: to the one of this worker by a call, to another worker's over a link.
 */

import type { Clock } from "../base/clock.ts";
import type { PoolerError } from "../base/pooler-error.ts";
import type { Ownership } from "../cluster/ownership.ts";
import { servesLocally } from "../cluster/tenant-owners.ts";
import type { WorkerPeers } from "../cluster/worker-peers.ts";
import type { Channel } from "../net/channel.ts";
import type { ChannelOpening, ChannelOwner } from "../net/channel-opening.ts";
import type { MovableClient } from "../net/movable-client.ts";
import type { TenantDirectory } from "../tenants/tenant-directory.ts";
import { errorResponseOf } from "../wire/backend/error-response.ts";
import { CANCEL_VERB, encodeCancel } from "./cancel-notice.ts";
import { FarClient, type FarClientHost } from "./far-client.ts";
import { LoginClaim, type OwnerClaim, TicketClaim } from "./owner-claim.ts";
import { TooManyWaitForOwnerError } from "./owner-lost-errors.ts";
import { OwnerWaits } from "./owner-waits.ts";

/** The owner of this worker. */
export interface LocalOwner extends ChannelOwner {
  /** Clients of a tenant, those that came over links included. */
  clientsOf(tenantId: string): number;
  /** A client that an owner before has let in. */
  reopen(channel: Channel, ticket: string): void;
}

export interface OwnerRouterParts {
  readonly local: LocalOwner;
  readonly ownership: Ownership;
  readonly peers: WorkerPeers;
  readonly directory: TenantDirectory;
  readonly clock: Clock;
  /** Hears of bugs of ours. */
  readonly onFault: (fault: unknown) => void;
  /** How long a client may take to log in. */
  readonly loginTimeoutMs: () => number;
  /** Returns the worker that gave a client the cancel key with this process id; null: none of this node. */
  readonly workerOfKey: (processId: number) => number | null;
}

/** Clients that wait for a worker that is away; each holds its startup in memory, and nothing else. */
const WAITING_MAX = 10_000;

export class OwnerRouter implements ChannelOwner, FarClientHost {
  readonly #parts: OwnerRouterParts;
  readonly #waits: OwnerWaits;
  /** Clients that are served elsewhere, by tenant. */
  readonly #far = new Map<string | null, Set<FarClient>>();

  constructor(parts: OwnerRouterParts) {
    this.#parts = parts;
    this.#waits = new OwnerWaits(parts.peers, parts.clock, parts.onFault);
  }

  /** Clients of this edge that are served elsewhere, or wait for that. */
  get farClients(): number {
    let sum = 0;
    for (const clients of this.#far.values()) sum += clients.size;
    return sum;
  }

  open(channel: Channel, opening: ChannelOpening): void {
    const { local, peers, clock, loginTimeoutMs } = this.#parts;
    const { tenant, early } = opening;
    const worker = this.#workerFor(tenant);
    if (worker === peers.self) return local.open(channel, opening);
    this.#lead(
      channel,
      tenant,
      worker,
      new LoginClaim(opening, clock.now(), loginTimeoutMs()),
      early,
    );
  }

  /** A client that an owner before has let in: all that follows on `channel` is for the tenant's owner. */
  reopen(channel: Channel, tenant: string, ticket: string): void {
    const { local, peers, clock } = this.#parts;
    const worker = this.#workerFor(tenant);
    if (worker === peers.self) return local.reopen(channel, ticket);
    this.#lead(channel, tenant, worker, new TicketClaim(ticket, clock.now()), null);
  }

  /** Returns those clients of this edge that are served elsewhere, and whose connections could be passed on. */
  movableClients(): readonly MovableClient[] {
    return Array.from(this.#far.values())
      .flatMap((clients) => Array.from(clients, (client) => client.asMovable()))
      .filter((client) => client !== null);
  }

  now(): number {
    return this.#parts.clock.now();
  }

  awaitOwner(client: FarClient, deadlineMs: number): void {
    this.#waits.join(client.worker, client, deadlineMs);
  }

  leave(client: FarClient): void {
    this.#waits.leave(client.worker, client);
  }

  onFarClientOver(client: FarClient): void {
    const clients = this.#far.get(client.tenant);
    clients?.delete(client);
    if (clients?.size === 0) this.#far.delete(client.tenant);
  }

  /** A key that names another worker is sent there, too: a client that has moved here has kept it. */
  cancel(processId: number, secretKey: Uint8Array): void {
    const { local, peers, workerOfKey } = this.#parts;
    const worker = workerOfKey(processId);
    local.cancel(processId, secretKey);
    if (worker !== null && worker !== peers.self)
      peers.linkTo(worker)?.notify(CANCEL_VERB, encodeCancel(processId, secretKey));
  }

  #lead(
    channel: Channel,
    tenant: string | null,
    worker: number,
    claim: OwnerClaim,
    early: Uint8Array | null,
  ): void {
    const link = this.#parts.peers.linkTo(worker);
    if (link === null && this.#waits.size >= WAITING_MAX)
      return refuse(channel, new TooManyWaitForOwnerError(WAITING_MAX));
    const client = new FarClient(channel, tenant, worker, claim, this);
    const known = this.#far.get(tenant);
    if (known === undefined) this.#far.set(tenant, new Set([client]));
    else known.add(client);
    client.start(link, early);
  }

  #workerFor(tenantId: string | null): number {
    const { ownership, peers, directory, local } = this.#parts;
    if (tenantId === null) return peers.self;
    const ranking = ownership.ranking(tenantId);
    const first = ranking[0] ?? peers.self;
    const tenant = directory.peek(tenantId);
    if (first === peers.self || tenant === undefined || tenant === null) return first;
    const clients = 1 + local.clientsOf(tenantId) + (this.#far.get(tenantId)?.size ?? 0);
    return servesLocally(tenant, ranking, peers.self, clients) ? peers.self : first;
  }
}

function refuse(channel: Channel, error: PoolerError): void {
  const message = errorResponseOf(error);
  channel.write(message, 0, message.length);
  channel.close();
}
