/**
 * The owner of tenants: takes the channels that edges open, and makes of each a session or a pipe.
 * Everything about a tenant (its pools, limits, cached secrets) is in one owner, as local facts.
 */

import type { Timer } from "../base/clock.ts";
import type { PoolerError } from "../base/pooler-error.ts";
import type { Channel } from "../net/channel.ts";
import type { ChannelOpening, ChannelOwner } from "../net/channel-opening.ts";
import type { MovableClient } from "../net/movable-client.ts";
import type { NetEnvironment } from "../net/net-environment.ts";
import type { Ticker } from "../pool/ticker.ts";
import { secretBytesFor } from "../session/cancel-key.ts";
import { ClientState } from "../session/client-state.ts";
import type { StoredTenant } from "../tenants/tenant.ts";
import type { TenantUser } from "../tenants/tenant-user.ts";
import type { CancelRegistry } from "./cancel/cancel-registry.ts";
import type { ClientCensus, ClientPlace, PlaceLimits } from "./client/client-census.ts";
import { ClientRoom } from "./client/client-room.ts";
import { ClientRoster } from "./client/client-roster.ts";
import { ClientSession } from "./client/client-session.ts";
import { GradualDeparture } from "./client/gradual-departure.ts";
import { Heartbeats } from "./client/heartbeats.ts";
import type { OwnedClient, SessionOwner } from "./client/session-owner.ts";
import { TenantClients } from "./client/tenant-clients.ts";
import { TenantBannedError } from "./login/admission.ts";
import type { ClientProof } from "./login/client-authentication.ts";
import {
  ClientLogins,
  type ClientLoginsParts,
  type LoginHost,
  type LoginLimits,
} from "./login/client-logins.ts";
import type { Login } from "./login/login.ts";
import { placeIn, poolKeyOfLogin, poolOfLogin } from "./login/login-pool.ts";
import { LoginRefusals, type LoginRefusalsParts } from "./login/login-refusals.ts";
import { startupSettings } from "./login/startup-settings.ts";
import { Welcomes } from "./login/welcomes.ts";
import { NativeClients } from "./native/native-clients.ts";
import { NativePipe } from "./native/native-pipe.ts";
import { nativeStartup } from "./native/native-startup.ts";
import type { PoolRegistry } from "./pools/pool-registry.ts";
import type { ServerPool } from "./pools/server-pool.ts";
import { ShutdownError, TenantRemovedError, UserRemovedError } from "./proxy-errors.ts";
import type { RelayScratch } from "./server/relay-scratch.ts";
import { ClientTakeovers, type TakeoverHost, ticketHolder } from "./tickets/client-takeovers.ts";
import { type ClientTicket, holderOf, type TicketHolder } from "./tickets/client-ticket.ts";
import { TicketParts } from "./tickets/session-rest.ts";
import { SharedHolders } from "./tickets/shared-holders.ts";
import { type TicketLogin, TicketLogins } from "./tickets/ticket-logins.ts";

export interface OwnerLimits extends LoginLimits {
  readonly messageBytesMax: number;
  readonly statementBytesMax: number;
  readonly clientStatementsMax: number;
}

export interface OwnerParts extends ClientLoginsParts, LoginRefusalsParts {
  readonly pools: PoolRegistry;
  readonly cancels: CancelRegistry;
  readonly ticker: Ticker;
  readonly scratch: RelayScratch;
  readonly environment: NetEnvironment;
  readonly limits: OwnerLimits;
}

/** How long a transaction may go on after its tenant or its user was removed. */
const REMOVAL_GRACE_MS = 30_000;

/** What is known of a session when it begins. */
interface SessionBeginning {
  readonly settings: ReadonlyMap<string, string>;
  readonly ticketHolder: TicketHolder | null;
  readonly isMovable: boolean;
  readonly secretBytes: number;
}

export class Owner implements ChannelOwner, SessionOwner, LoginHost, TakeoverHost {
  readonly welcomes = new Welcomes();
  readonly #parts: OwnerParts;
  readonly #clients: ClientRoster;
  readonly #natives = new NativeClients();
  readonly #tenantClients = new TenantClients();
  /** Of clients that are counted elsewhere, too. */
  readonly #places = new Map<OwnedClient, ClientPlace>();
  readonly #refusals: LoginRefusals;
  readonly #logins: ClientLogins;
  readonly #takeovers: ClientTakeovers;
  readonly #room: ClientRoom;
  readonly #heartbeats: Heartbeats;
  readonly #holders = new SharedHolders();
  readonly #ticketParts: TicketParts;
  #stopping = false;

  constructor(parts: OwnerParts) {
    this.#parts = parts;
    this.#ticketParts = new TicketParts(parts.ticker);
    this.#clients = new ClientRoster(parts.clock);
    this.#refusals = new LoginRefusals(parts, (error) => this.onFault(error));
    this.#logins = new ClientLogins(parts, this, this.#refusals);
    this.#takeovers = new ClientTakeovers(parts, new TicketLogins(parts), this, this.#refusals);
    this.#room = new ClientRoom(parts, this.#natives, this.#tenantClients);
    this.#heartbeats = new Heartbeats(parts.ticker, () => this.#onClientLost());
  }

  /** Whether it takes no more clients. */
  get stopping(): boolean {
    return this.#stopping;
  }

  /** Clients that are logged in, pipes included. */
  get clients(): number {
    return this.#clients.size;
  }

  /** A client's startup was read: all that follows on `channel` is for us. */
  open(channel: Channel, opening: ChannelOpening): void {
    this.#logins.open(channel, opening);
  }

  /**
   * A client that an owner before us, with our address, has let in. All that follows on `channel` is for us.
   * @param ticket what that owner has given to who keeps the client's connection
   */
  reopen(channel: Channel, ticket: string): void {
    this.#takeovers.open(channel, ticket);
  }

  /** A CancelRequest came; nobody is told whether it did anything. */
  cancel(processId: number, secretKey: Uint8Array): void {
    this.#parts.cancels.cancel(processId, secretKey);
  }

  get cancels(): CancelRegistry {
    return this.#parts.cancels;
  }

  onFault(error: PoolerError): void {
    this.#parts.counters.internalErrorsTotal += 1;
    this.#parts.logger.error({ sqlstate: error.sqlstate }, error.logText);
  }

  onSessionOver(session: OwnedClient): void {
    this.#clients.delete(session);
    this.#heartbeats.leave(session);
    this.#tenantClients.left(session.tenant);
    this.#leave(session);
    this.#parts.pools.sweep(session.tenant);
  }

  /** Takes no more clients, and ends those there are, each when no transaction of it runs. */
  drain(): void {
    this.#stopping = true;
    this.#clients.endAllWhenIdle(new ShutdownError());
    this.#parts.pools.close(new ShutdownError());
  }

  /**
   * Returns the departure of all clients that are here now, of which nobody has been told yet.
   * @param areMoved whether others go on with those that can be moved
   */
  beginDeparture(areMoved: () => boolean): GradualDeparture {
    return new GradualDeparture(this.#clients, new ShutdownError(), areMoved);
  }

  /** Returns those whose connections are here, and could be passed on. */
  movableClients(): readonly MovableClient[] {
    return this.#clients.listMovable();
  }

  /** Ends all clients at once, and takes no more. */
  stop(): void {
    this.#stopping = true;
    this.#clients.endAll(new ShutdownError());
    this.#parts.pools.close(new ShutdownError());
    this.#parts.authQueries.close();
  }

  /**
   * Ends those clients of a tenant that are here now: idle ones at once, the others after their transaction,
   * at the latest after `graceMs`; 0: all at once. Resolves when they are gone, with their number.
   * @param alias the name they logged in with; null: all
   */
  endClients(
    tenantId: string,
    alias: string | null,
    error: PoolerError,
    graceMs: number,
  ): Promise<number> {
    return this.#clients.end(tenantId, alias, error, graceMs);
  }

  /**
   * The tenant's record is another one, or gone (null): its pools follow. Clients of a user that may no longer
   * log in are ended as {@link endClients} does, those of a tenant that is banned at once.
   */
  follow(tenantId: string, tenant: StoredTenant | null): void {
    const { pools, census } = this.#parts;
    census?.follow(tenantId, tenant);
    const known = pools.find(tenantId);
    if (tenant === null) {
      void this.endClients(tenantId, null, new TenantRemovedError(), REMOVAL_GRACE_MS);
      known?.dismiss(new TenantRemovedError());
      known?.resume();
      return pools.sweep(tenantId);
    }
    known?.follow(tenant);
    if (this.#parts.admission.isBanned(tenant))
      void this.endClients(tenantId, null, new TenantBannedError(tenant.ban_reason), 0);
    for (const alias of known?.takeRemoved() ?? [])
      void this.endClients(tenantId, alias, new UserRemovedError(), REMOVAL_GRACE_MS);
    pools.sweep(tenantId);
  }

  /** The tenants that have clients here, with a pool or without. */
  get tenants(): Iterable<string> {
    return this.#clients.tenants;
  }

  /** Clients of a tenant, those included that have no pool. */
  clientsOf(tenantId: string): number {
    return this.#clients.countOf(tenantId);
  }

  placeOf(
    login: Login,
    proof: ClientProof,
    opening: ChannelOpening,
  ): { readonly place: ClientPlace; readonly limits: PlaceLimits } {
    const { tenant, user } = login;
    const { db_user_alias: alias } = user;
    const pool = poolKeyOfLogin(login, proof, placeIn(tenant, opening));
    return {
      place: { tenant: tenant.external_id, alias, pool },
      limits: this.#room.limits(tenant, alias),
    };
  }

  /** The client is who it says. Its limits are checked now, so that nobody else learns of them. */
  beginSession(
    channel: Channel,
    opening: ChannelOpening,
    login: Login,
    proof: ClientProof,
    place: ClientPlace | null,
  ): void {
    const { counters, census } = this.#parts;
    const { tenant } = login;
    const pool = this.#poolFor(login, proof, opening, place);
    const session = this.#addSession(channel, pool, {
      settings: startupSettings(opening),
      ticketHolder: this.#holders.of(pool, ticketHolder(login, proof, opening)),
      isMovable: opening.tls === null,
      secretBytes: secretBytesFor(opening.protocolMinor),
    });
    if (census !== null)
      this.#places.set(
        session,
        place ?? census.join(this.placeOf(login, proof, opening).place, tenant),
      );
    counters.clientLoginsTotal += 1;
    session.start(proof.early, proof.saslFinal);
  }

  takeOver(channel: Channel, ticket: ClientTicket, { login, proof }: TicketLogin): void {
    const { pools, authQueries, census } = this.#parts;
    const { tenant: id, alias, database, settings, key } = ticket;
    const { tenant } = login;
    const wanted = { database, mode: "transaction" } as const;
    this.#room.expect(tenant, alias);
    const pool = poolOfLogin(login, proof, wanted, pools, authQueries);
    const session = this.#addSession(channel, pool, {
      settings,
      ticketHolder: this.#holders.of(pool, holderOf(ticket)),
      isMovable: true, // unless it has TLS elsewhere: then it leaves last
      secretBytes: key.secretKey.length,
    });
    const place = { tenant: id, alias, pool: poolKeyOfLogin(login, proof, wanted) };
    if (census !== null) this.#places.set(session, census.join(place, tenant));
    session.takeOver(ticket);
  }

  #addSession(
    channel: Channel,
    pool: ServerPool,
    { settings, ...own }: SessionBeginning,
  ): ClientSession {
    const { limits, scratch } = this.#parts;
    const asked = pool.settings.intern(settings);
    const client = new ClientState(pool.statements, pool.settings, asked);
    const parts = { owner: this, channel, pool, client, limits, scratch };
    const session = new ClientSession({ ...parts, ...own, ticketParts: this.#ticketParts });
    this.#clients.add(session);
    this.#tenantClients.joined(session.tenant);
    this.#heartbeats.join(session);
    return session;
  }

  /** Returns the client's pool; throws where it may not use it, and then gives back its place. */
  #poolFor(
    login: Login,
    proof: ClientProof,
    opening: ChannelOpening,
    place: ClientPlace | null,
  ): ServerPool {
    const { pools, authQueries, census } = this.#parts;
    try {
      this.#room.expect(login.tenant, login.user.db_user_alias);
      return poolOfLogin(login, proof, placeIn(login.tenant, opening), pools, authQueries);
    } catch (error) {
      if (place !== null) census?.leave(place);
      throw error;
    }
  }

  /** PostgreSQL itself is to judge the client. */
  beginPipe(
    channel: Channel,
    opening: ChannelOpening,
    tenant: StoredTenant,
    user: TenantUser | null,
    deadline: (onOver: (error: PoolerError) => void) => Timer,
  ): void {
    const { pools, cancels, environment, directory } = this.#parts;
    // A role that the tenant lists is one user, whether its alias is named or the role itself.
    const alias = user?.db_user_alias ?? opening.user;
    const identity = { tenant: tenant.external_id, alias };
    let joined = false;
    const pipe: NativePipe = new NativePipe({
      channel,
      ...identity,
      room: pools.roomOf(tenant),
      heartbeatSeconds: () => (directory.peek(identity.tenant) ?? tenant).client_heartbeat_interval,
      address: pools.addressOf(tenant),
      connectTimeoutMs: pools.connectTimeoutMs(tenant, user),
      startup: nativeStartup(opening, tenant, user),
      early: opening.early,
      cancels,
      environment,
      timer: deadline((error) => pipe.end(error)),
      onRefused: (sqlstate) => this.#refusals.noteProof(opening, sqlstate),
      mayStay: () => this.#enterPipe(pipe, tenant),
      onReady: () => {
        this.#room.expect(tenant, alias);
        this.#natives.joined(identity);
        this.#tenantClients.joined(identity.tenant);
        this.#heartbeats.join(pipe);
        joined = true;
      },
      onOver: () => {
        if (joined) {
          this.#natives.left(identity);
          this.#tenantClients.left(identity.tenant);
        }
        this.#leave(pipe);
        this.#clients.delete(pipe);
        this.#heartbeats.leave(pipe);
      },
    });
    this.#clients.add(pipe);
  }

  /** Its login is PostgreSQL's; what it counts for is ours. Returns null where nobody else is to be asked. */
  #enterPipe(pipe: NativePipe, known: StoredTenant): Promise<void> | null {
    const { census, directory } = this.#parts;
    const { tenant: id, alias } = pipe;
    const place = { tenant: id, alias, pool: null };
    const tenant = directory.peek(id) ?? known;
    if (census === null) return null;
    if (!census.covers(tenant)) {
      this.#places.set(pipe, census.join(place, tenant));
      return null;
    }
    return this.#enterLater(pipe, census.enter(place, this.#room.limits(tenant, alias)), census);
  }

  async #enterLater(
    pipe: NativePipe,
    entering: Promise<ClientPlace>,
    census: ClientCensus,
  ): Promise<void> {
    const place = await entering;
    if (pipe.over) census.leave(place);
    else this.#places.set(pipe, place);
  }

  /** The client is gone. */
  #leave(client: OwnedClient): void {
    const place = this.#places.get(client);
    if (place === undefined) return;
    this.#places.delete(client);
    this.#parts.census?.leave(place);
  }

  #onClientLost(): void {
    this.#parts.counters.clientsLostTotal += 1;
    this.#parts.logger.info({}, "a client does not answer any more, and is given up");
  }
}
