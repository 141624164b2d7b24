/**
 * The owner of tenants: takes the channels that edges open, and makes of each a session or a pipe.
 * Everything about a tenant (its pools, limits, cached secrets) is in one owner, as local facts.
 */

import type { Clock, Timer } from "../base/clock.ts";
import type { Logger } from "../base/logger.ts";
import { PoolerError } from "../base/pooler-error.ts";
import type { Random } from "../base/random.ts";
import { SQLSTATE, type SqlState } from "../base/sqlstate.ts";
import type { WallClock } from "../base/wall-clock.ts";
import type { Channel } from "../net/channel.ts";
import type { ChannelOpening, ChannelOwner } from "../net/channel-opening.ts";
import type { NetEnvironment } from "../net/net-environment.ts";
import type { Ticker } from "../pool/ticker.ts";
import { SECRET_BYTES } from "../session/cancel-key.ts";
import { ClientState } from "../session/client-state.ts";
import { findLoginUser, type LoginUser, type QueriedLogin } from "../tenants/find-login-user.ts";
import { queriedRole, queriedUser } from "../tenants/queried-user.ts";
import type { StoredTenant } from "../tenants/tenant.ts";
import type { TenantDirectory } from "../tenants/tenant-directory.ts";
import type { TenantUser } from "../tenants/tenant-user.ts";
import { errorResponseOf } from "../wire/backend/error-response.ts";
import { writeNegotiateProtocolVersion } from "../wire/backend/negotiate-protocol-version.ts";
import { ByteWriter } from "../wire/byte-writer.ts";
import { PROTOCOL_MINOR_LATEST } from "../wire/protocol-version.ts";
import type { AddressBans } from "./address-bans.ts";
import { type Admission, TenantBannedError } from "./admission.ts";
import type { AuthQueries } from "./auth-queries.ts";
import type { CancelRegistry } from "./cancel-registry.ts";
import {
  ClientAuthentication,
  type ClientAuthMethod,
  type ClientProof,
} from "./client-authentication.ts";
import { ClientRoster } from "./client-roster.ts";
import { ClientSession } from "./client-session.ts";
import { ConnectionRates } from "./connection-rates.ts";
import { Heartbeats } from "./heartbeats.ts";
import type { LastErrors } from "./last-errors.ts";
import { currentLogin, type Login } from "./login.ts";
import { poolOfLogin } from "./login-pool.ts";
import { NativeClients } from "./native-clients.ts";
import { NativePipe } from "./native-pipe.ts";
import { nativeStartup, wantsPipe } from "./native-startup.ts";
import type { PoolRegistry } from "./pool-registry.ts";
import type { PoolerCounters } from "./pooler-counters.ts";
import {
  AuthenticationFailedError,
  InternalError,
  LoginTimeoutError,
  ShutdownError,
  TenantRemovedError,
  TooManyClientsError,
  TooManyTenantClientsError,
  UserRemovedError,
} from "./proxy-errors.ts";
import type { RelayScratch } from "./relay-scratch.ts";
import type { OwnedClient, SessionOwner } from "./session-owner.ts";
import { startupSettings } from "./startup-settings.ts";
import { TenantClients } from "./tenant-clients.ts";
import { isTokenOf, TokenNeedsTlsError, wantsToken, withoutTokenOption } from "./token-login.ts";
import { NO_SECRETS, userSecrets } from "./user-secrets.ts";
import type { Verifiers } from "./verifiers.ts";
import { Welcomes } from "./welcomes.ts";

export interface OwnerLimits {
  readonly clientLoginTimeoutMs: number;
  readonly jitTimeoutMs: number;
  readonly messageBytesMax: number;
  readonly statementBytesMax: number;
  readonly clientStatementsMax: number;
}

export interface OwnerParts {
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly logger: Logger;
  readonly directory: TenantDirectory;
  readonly pools: PoolRegistry;
  readonly cancels: CancelRegistry;
  readonly authQueries: AuthQueries;
  readonly verifiers: Verifiers;
  readonly ticker: Ticker;
  readonly admission: Admission;
  readonly addressBans: AddressBans;
  readonly scratch: RelayScratch;
  readonly counters: PoolerCounters;
  readonly lastErrors: LastErrors;
  readonly environment: NetEnvironment;
  readonly authMethod: ClientAuthMethod;
  readonly limits: OwnerLimits;
}

/** How long a transaction may go on after its tenant or its user was removed. */
const REMOVAL_GRACE_MS = 30_000;

export class Owner implements ChannelOwner, SessionOwner {
  readonly welcomes = new Welcomes();
  readonly #parts: OwnerParts;
  readonly #clients: ClientRoster;
  readonly #natives = new NativeClients();
  readonly #tenantClients = new TenantClients();
  readonly #rates: ConnectionRates;
  readonly #heartbeats: Heartbeats;
  #stopping = false;

  constructor(parts: OwnerParts) {
    this.#parts = parts;
    this.#clients = new ClientRoster(parts.clock);
    this.#rates = new ConnectionRates(parts.clock);
    this.#heartbeats = new Heartbeats(parts.ticker, () => this.#onClientLost());
  }

  /** Clients that are logged in, pipes included. */
  get clients(): number {
    return this.#clients.size;
  }

  /** A client's startup was read: all that follows on `channel` is for us. */
  open(channel: Channel, opening: ChannelOpening): void {
    if (opening.tenant === null) return this.#admit(channel, opening, null);
    const tenant = this.#parts.directory.peek(opening.tenant);
    if (tenant === undefined) void this.#openLater(channel, opening, opening.tenant);
    else this.#admit(channel, opening, tenant);
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
    this.#parts.pools.sweep(session.tenant);
  }

  /** Takes no more clients, and ends those there are, each when no transaction of it runs. */
  drain(): void {
    this.#stopping = true;
    this.#clients.endAllWhenIdle(new ShutdownError());
    this.#parts.pools.close(new ShutdownError());
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
    const { pools } = this.#parts;
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

  async #openLater(channel: Channel, opening: ChannelOpening, tenantId: string): Promise<void> {
    channel.pause();
    try {
      const tenant = await this.#parts.directory.lookup(tenantId);
      if (!channel.closed) this.#admit(channel, opening, tenant);
    } catch (error) {
      this.#refuse(
        channel,
        opening,
        error instanceof PoolerError ? error : new InternalError(error),
      );
    }
  }

  /** @param tenant null: none of the names that the client gave is a tenant's */
  #admit(channel: Channel, opening: ChannelOpening, tenant: StoredTenant | null): void {
    try {
      if (this.#stopping) throw new ShutdownError();
      if (tenant !== null) {
        this.#parts.admission.check(tenant, opening);
        this.#rates.take(tenant);
      }
      const found = tenant === null ? null : findLoginUser(tenant, opening.user);
      const user = found?.user ?? null;
      if (tenant !== null && wantsPipe(opening, user)) this.#pipe(channel, opening, tenant, user);
      else if (tenant !== null && wantsToken(tenant, opening))
        this.#authenticateByToken(channel, opening, tenant, found);
      else if (tenant !== null && found?.source === "auth_query")
        void this.#authenticateByQuery(channel, opening, tenant, found);
      else this.#authenticate(channel, opening, tenant, storeLogin(tenant, user));
    } catch (error) {
      this.#refuse(
        channel,
        opening,
        error instanceof PoolerError ? error : new InternalError(error),
      );
    }
  }

  /** The tenant's database knows the secret, or is asked whether it has changed. */
  async #authenticateByQuery(
    channel: Channel,
    opening: ChannelOpening,
    tenant: StoredTenant,
    { manager, user: listed }: QueriedLogin,
  ): Promise<void> {
    const { authQueries, clock } = this.#parts;
    const beganMs = clock.now();
    channel.pause();
    try {
      const role = queriedRole(listed, opening.user);
      const secret = await authQueries.secretOf(tenant, manager, role);
      if (channel.closed) return;
      const user = secret === null ? null : queriedUser(listed, opening.user, secret);
      const connectedForMs = opening.connectedForMs + clock.now() - beganMs;
      this.#authenticate(channel, { ...opening, connectedForMs }, tenant, storeLogin(tenant, user));
    } catch (error) {
      this.#refuse(
        channel,
        opening,
        error instanceof PoolerError ? error : new InternalError(error),
      );
    }
  }

  /** Who has no token of the role's, or no such user, is refused in the same words. */
  #authenticateByToken(
    channel: Channel,
    opening: ChannelOpening,
    tenant: StoredTenant,
    found: LoginUser | null,
  ): void {
    if (opening.tls === null) throw new TokenNeedsTlsError();
    const user = found === null ? null : (found.user ?? queriedUser(null, opening.user, null));
    const login = user === null ? null : { tenant, user, byToken: true };
    this.#authenticate(channel, withoutTokenOption(opening), tenant, login);
  }

  #authenticate(
    channel: Channel,
    opening: ChannelOpening,
    tenant: StoredTenant | null,
    login: Login | null,
  ): void {
    const { random, verifiers, authMethod } = this.#parts;
    // Clients of such a tenant may send either without knowing which, as with Supavisor.
    const inClear = tenant?.use_jit === true && opening.tls !== null;
    this.#negotiate(channel, opening);
    const authentication: ClientAuthentication = new ClientAuthentication({
      channel,
      identity: {
        opening,
        role: login?.user.db_user ?? opening.user,
        secrets: login === null ? NO_SECRETS : userSecrets(login.user, this.#parts.wallClock.iso()),
      },
      method: inClear ? "password" : authMethod,
      checkToken: this.#tokenCheck(opening, login),
      timer: this.#loginTimer(opening, (error) => authentication.fail(error)),
      random,
      verifiers,
      onAuthenticated: (proof) => this.#begin(channel, opening, login, proof),
      onFailed: (error) => {
        if (error instanceof AuthenticationFailedError) this.#doubtSecret(login);
        this.#onLoginFailed(opening, error);
      },
    });
  }

  #tokenCheck(
    { remoteAddress }: ChannelOpening,
    login: Login | null,
  ): ((token: string) => Promise<boolean>) | null {
    const url = login?.tenant.jit_api_url ?? null;
    if (login?.byToken !== true || url === null) return null;
    const { clock, limits } = this.#parts;
    const { jitTimeoutMs: timeoutMs } = limits;
    const role = login.user.db_user;
    return (token) => isTokenOf({ url, token, role, remoteAddress, timeoutMs, clock });
  }

  /** The client's time to log in began when it connected. */
  #loginTimer(opening: ChannelOpening, onOver: (error: PoolerError) => void): Timer {
    const { clock, limits } = this.#parts;
    const { clientLoginTimeoutMs } = limits;
    return clock.after(Math.max(clientLoginTimeoutMs - opening.connectedForMs, 0), () =>
      onOver(new LoginTimeoutError(clientLoginTimeoutMs)),
    );
  }

  /** The client is who it says. Its limits are checked now, so that nobody else learns of them. */
  #begin(channel: Channel, opening: ChannelOpening, login: Login | null, proof: ClientProof): void {
    try {
      if (login === null)
        throw new InternalError(new Error("a user that does not exist was authenticated"));
      if (this.#stopping) throw new ShutdownError();
      const tenant = this.#parts.directory.peek(login.tenant.external_id);
      if (tenant === undefined) void this.#beginLater(channel, opening, login, proof);
      else
        this.#beginSession(
          channel,
          opening,
          currentLogin(tenant, opening, login, proof.secret, this.#parts.wallClock.iso()),
          proof,
        );
    } catch (error) {
      this.#refuseProven(channel, opening, error, proof);
    }
  }

  /** The tenant's record was changed while the client proved who it is: it is read again first. */
  async #beginLater(
    channel: Channel,
    opening: ChannelOpening,
    login: Login,
    proof: ClientProof,
  ): Promise<void> {
    channel.pause();
    try {
      await this.#parts.directory.lookup(login.tenant.external_id);
    } catch (error) {
      return this.#refuseProven(channel, opening, error, proof);
    }
    if (channel.closed) return;
    channel.resume();
    this.#begin(channel, opening, login, proof);
  }

  #beginSession(channel: Channel, opening: ChannelOpening, login: Login, proof: ClientProof): void {
    const { pools, authQueries, scratch, limits, counters } = this.#parts;
    const { tenant, user } = login;
    this.#expectRoom(tenant, user.db_user_alias);
    const pool = poolOfLogin(login, proof, opening, pools, authQueries);
    const client = new ClientState(
      pool.statements,
      pool.settings,
      pool.settings.intern(startupSettings(opening)),
    );
    const session = new ClientSession({
      owner: this,
      channel,
      pool,
      client,
      limits,
      scratch,
      secretBytes: secretBytesFor(opening),
    });
    this.#clients.add(session);
    this.#tenantClients.joined(tenant.external_id);
    this.#heartbeats.join(session);
    counters.clientLoginsTotal += 1;
    session.start(proof.early, proof.saslFinal);
  }

  #pipe(
    channel: Channel,
    opening: ChannelOpening,
    tenant: StoredTenant,
    user: TenantUser | null,
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
      timer: this.#loginTimer(opening, (error) => pipe.end(error)),
      onRefused: (sqlstate) => this.#onProofRefused(opening, sqlstate),
      onReady: () => {
        this.#expectRoom(tenant, alias);
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
        this.#clients.delete(pipe);
        this.#heartbeats.leave(pipe);
      },
    });
    this.#clients.add(pipe);
  }

  /** Throws where the tenant, by its record of now, is banned, or it or the user has as many clients as it may. */
  #expectRoom(known: StoredTenant, alias: string): void {
    const { admission, directory, pools } = this.#parts;
    const tenant = directory.peek(known.external_id) ?? known;
    admission.checkBan(tenant);
    const all = this.#tenantClients.of(tenant.external_id);
    const { max_client_connections: allMax } = tenant;
    if (allMax !== null && all >= allMax) throw new TooManyTenantClientsError(all, allMax);
    const user = tenant.users.find(({ db_user_alias }) => db_user_alias === alias);
    const clientsMax = user?.max_clients ?? tenant.default_max_clients;
    const natives = this.#natives.of({ tenant: tenant.external_id, alias });
    const clients = natives + pools.clientsOf(tenant.external_id, alias);
    if (clients >= clientsMax) throw new TooManyClientsError(clients, clientsMax);
  }

  /** A newer minor version, or options of the protocol that nobody here knows: the client is told. */
  #negotiate(channel: Channel, { protocolMinor, protocolOptions }: ChannelOpening): void {
    if (protocolMinor <= PROTOCOL_MINOR_LATEST && protocolOptions.length === 0) return;
    const writer = new ByteWriter();
    writeNegotiateProtocolVersion(writer, {
      minor: Math.min(protocolMinor, PROTOCOL_MINOR_LATEST),
      unknownOptions: protocolOptions,
    });
    const message = writer.take();
    channel.write(message, 0, message.length);
  }

  /** The client hears first that its password was right. */
  #refuseProven(
    channel: Channel,
    opening: ChannelOpening,
    error: unknown,
    { saslFinal }: ClientProof,
  ): void {
    if (saslFinal !== null) channel.write(saslFinal, 0, saslFinal.length);
    this.#refuse(channel, opening, error instanceof PoolerError ? error : new InternalError(error));
  }

  #refuse(channel: Channel, { tenant }: ChannelOpening, error: PoolerError): void {
    const message = errorResponseOf(error);
    channel.write(message, 0, message.length);
    channel.close();
    this.#parts.counters.clientLoginFailuresTotal += 1;
    if (tenant !== null) this.#parts.lastErrors.note(tenant, "client", error);
    if (error instanceof InternalError) this.onFault(error);
  }

  #onClientLost(): void {
    this.#parts.counters.clientsLostTotal += 1;
    this.#parts.logger.info({}, "a client does not answer any more, and is given up");
  }

  /** What a wrong password was held against may be what has changed. */
  #doubtSecret(login: Login | null): void {
    if (login === null || login.byToken || login.tenant.require_user) return;
    this.#parts.authQueries.doubt(login.tenant.external_id, login.user.db_user);
  }

  #onLoginFailed(opening: ChannelOpening, error: PoolerError | null): void {
    if (error === null) return;
    const { counters, logger, lastErrors } = this.#parts;
    counters.clientLoginFailuresTotal += 1;
    if (opening.tenant !== null) lastErrors.note(opening.tenant, "client", error);
    logger.info(
      { tenant: opening.tenant, client: opening.remoteAddress, sqlstate: error.sqlstate },
      `login refused: ${error.logText}`,
    );
    this.#onProofRefused(opening, error.sqlstate);
  }

  /** Only who could not prove who it is counts, by PostgreSQL's judgement or by ours. */
  #onProofRefused({ tenant, remoteAddress }: ChannelOpening, sqlstate: SqlState | null): void {
    if (tenant === null || sqlstate !== SQLSTATE.invalid_password) return;
    if (this.#parts.addressBans.failed(tenant, remoteAddress))
      this.#parts.logger.info(
        { tenant, client: remoteAddress },
        "the address is banned from the tenant for a while: too many of its logins failed",
      );
  }
}

function storeLogin(tenant: StoredTenant | null, user: TenantUser | null): Login | null {
  return tenant === null || user === null ? null : { tenant, user, byToken: false };
}

/** Protocol 3.2 brought keys of more than four bytes. */
function secretBytesFor({ protocolMinor }: ChannelOpening): number {
  return protocolMinor >= 2 ? SECRET_BYTES.v3_2 : SECRET_BYTES.v3_0;
}
