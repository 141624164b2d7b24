/**
 * Clients between their startup and their session: which may try, by what they prove who they are, and whether that
 * still holds when they have proven it.
 */

import type { Clock, Timer } from "../../base/clock.ts";
import type { PoolerError } from "../../base/pooler-error.ts";
import type { Random } from "../../base/random.ts";
import type { WallClock } from "../../base/wall-clock.ts";
import type { Channel } from "../../net/channel.ts";
import type { ChannelOpening } from "../../net/channel-opening.ts";
import { findLoginUser, type LoginUser, type QueriedLogin } from "../../tenants/find-login-user.ts";
import { queriedRole, queriedUser } from "../../tenants/queried-user.ts";
import type { StoredTenant } from "../../tenants/tenant.ts";
import type { TenantDirectory } from "../../tenants/tenant-directory.ts";
import type { TenantUser } from "../../tenants/tenant-user.ts";
import { writeNegotiateProtocolVersion } from "../../wire/backend/negotiate-protocol-version.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import { PROTOCOL_MINOR_LATEST } from "../../wire/protocol-version.ts";
import type { ClientCensus, ClientPlace, PlaceLimits } from "../client/client-census.ts";
import { wantsPipe } from "../native/native-startup.ts";
import {
  AuthenticationFailedError,
  InternalError,
  LoginTimeoutError,
  ShutdownError,
} from "../proxy-errors.ts";
import type { Admission } from "./admission.ts";
import type { AuthQueries } from "./auth-queries.ts";
import {
  ClientAuthentication,
  type ClientAuthMethod,
  type ClientProof,
} from "./client-authentication.ts";
import { ConnectionRates } from "./connection-rates.ts";
import { currentLogin, type Login } from "./login.ts";
import type { LoginRefusals } from "./login-refusals.ts";
import { isTokenOf, TokenNeedsTlsError, wantsToken, withoutTokenOption } from "./token-login.ts";
import { NO_SECRETS, userSecrets } from "./user-secrets.ts";
import type { Verifiers } from "./verifiers.ts";

export interface LoginLimits {
  readonly clientLoginTimeoutMs: number;
  readonly jitTimeoutMs: number;
}

export interface ClientLoginsParts {
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly directory: TenantDirectory;
  readonly admission: Admission;
  readonly authQueries: AuthQueries;
  /** Null: this worker is alone. */
  readonly census: ClientCensus | null;
  readonly verifiers: Verifiers;
  readonly authMethod: ClientAuthMethod;
  readonly limits: LoginLimits;
}

/** Who takes the clients that are let in. What it throws, the client is told. */
export interface LoginHost {
  readonly stopping: boolean;
  /** Whom a client that has proven who it is counts for, and the most of them there may be. */
  placeOf(
    login: Login,
    proof: ClientProof,
    opening: ChannelOpening,
  ): { readonly place: ClientPlace; readonly limits: PlaceLimits };
  /**
   * The client has proven who it is; `login` is of the tenant's record of now.
   * @param place that it has entered, which is given back also where this throws; null: none
   */
  beginSession(
    channel: Channel,
    opening: ChannelOpening,
    login: Login,
    proof: ClientProof,
    place: ClientPlace | null,
  ): void;
  /**
   * PostgreSQL itself is to judge the client.
   * @param deadline sets a timer for what is left of its time to log in
   */
  beginPipe(
    channel: Channel,
    opening: ChannelOpening,
    tenant: StoredTenant,
    user: TenantUser | null,
    deadline: (onOver: (error: PoolerError) => void) => Timer,
  ): void;
}

export class ClientLogins {
  readonly #parts: ClientLoginsParts;
  readonly #host: LoginHost;
  readonly #refusals: LoginRefusals;
  readonly #rates: ConnectionRates;

  constructor(parts: ClientLoginsParts, host: LoginHost, refusals: LoginRefusals) {
    this.#parts = parts;
    this.#host = host;
    this.#refusals = refusals;
    this.#rates = new ConnectionRates(parts.clock);
  }

  /** A client's startup was read: all that follows on `channel` is for us. */
  open(channel: Channel, opening: ChannelOpening): void {
    if (opening.tenant === null) return this.#admit(channel, opening, null);
    const tenant = this.#parts.directory.peek(opening.tenant);
    if (tenant === undefined) void this.#openLater(channel, opening, opening.tenant);
    else this.#admit(channel, opening, tenant);
  }

  async #openLater(channel: Channel, opening: ChannelOpening, tenantId: string): Promise<void> {
    channel.pause();
    try {
      const tenant = await this.#parts.directory.lookup(tenantId);
      if (!channel.closed) this.#admit(channel, opening, tenant);
    } catch (error) {
      this.#refusals.refuse(channel, opening, error);
    }
  }

  /** @param tenant null: none of the names that the client gave is a tenant's */
  #admit(channel: Channel, opening: ChannelOpening, tenant: StoredTenant | null): void {
    try {
      if (this.#host.stopping) throw new ShutdownError();
      if (tenant !== null) {
        this.#parts.admission.check(tenant, opening);
        const rate = this.#sharedRate(tenant);
        if (rate !== null) return void this.#identifyLater(channel, opening, tenant, rate);
        this.#rates.take(tenant);
      }
      this.#identify(channel, opening, tenant);
    } catch (error) {
      this.#refusals.refuse(channel, opening, error);
    }
  }

  /** Returns the rate of logins where it holds over several workers; null: it does not, or there is none. */
  #sharedRate(tenant: StoredTenant): number | null {
    return this.#parts.census?.covers(tenant) === true ? tenant.max_connection_rate : null;
  }

  async #identifyLater(
    channel: Channel,
    opening: ChannelOpening,
    tenant: StoredTenant,
    rate: number,
  ): Promise<void> {
    channel.pause();
    try {
      await this.#parts.census?.begin(tenant.external_id, rate);
    } catch (error) {
      return this.#refusals.refuse(channel, opening, error);
    }
    if (channel.closed) return;
    channel.resume();
    this.#identify(channel, opening, tenant);
  }

  /** Finds out by what the client proves who it is, and asks for that. */
  #identify(channel: Channel, opening: ChannelOpening, tenant: StoredTenant | null): void {
    try {
      const found = tenant === null ? null : findLoginUser(tenant, opening.user);
      const user = found?.user ?? null;
      if (tenant !== null && wantsPipe(opening, user))
        this.#host.beginPipe(channel, opening, tenant, user, (onOver) =>
          this.#loginTimer(opening, onOver),
        );
      else if (tenant !== null && wantsToken(tenant, opening))
        this.#authenticateByToken(channel, opening, tenant, found);
      else if (tenant !== null && found?.source === "auth_query")
        void this.#authenticateByQuery(channel, opening, tenant, found);
      else this.#authenticate(channel, opening, tenant, storeLogin(tenant, user));
    } catch (error) {
      this.#refusals.refuse(channel, opening, error);
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
      this.#refusals.refuse(channel, opening, error);
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
        secrets: login === null ? NO_SECRETS : userSecrets(login.user, this.#parts.wallClock),
      },
      method: inClear ? "password" : authMethod,
      checkToken: this.#tokenCheck(opening, login),
      timer: this.#loginTimer(opening, (error) => authentication.fail(error)),
      random,
      verifiers,
      onAuthenticated: (proof) => this.#begin(channel, opening, login, proof, null),
      onFailed: (error) => {
        if (error instanceof AuthenticationFailedError) this.#doubtSecret(login);
        if (error !== null) this.#refusals.noteFailure(opening, error);
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

  /**
   * The client is who it says. Its limits are checked now, so that nobody else learns of them.
   * @param place that it has entered; null: none so far
   */
  #begin(
    channel: Channel,
    opening: ChannelOpening,
    login: Login | null,
    proof: ClientProof,
    place: ClientPlace | null,
  ): void {
    let held = place;
    try {
      const current = this.#currentLogin(opening, login, proof);
      if (current === null) {
        void this.#beginLater(channel, opening, login, proof, place);
      } else if (place === null && this.#parts.census?.covers(current.tenant) === true) {
        void this.#enter(channel, opening, current, proof, this.#parts.census);
      } else {
        held = null;
        this.#host.beginSession(channel, opening, current, proof, place);
      }
    } catch (error) {
      this.#leave(held);
      this.#refusals.refuseProven(channel, opening, error, proof);
    }
  }

  /** Returns the login by the tenant's record of now; null: that must be read again first. */
  #currentLogin(opening: ChannelOpening, login: Login | null, proof: ClientProof): Login | null {
    if (login === null)
      throw new InternalError(new Error("a user that does not exist was authenticated"));
    if (this.#host.stopping) throw new ShutdownError();
    const tenant = this.#parts.directory.peek(login.tenant.external_id);
    if (tenant === undefined) return null;
    return currentLogin(tenant, opening, login, proof.secret, this.#parts.wallClock);
  }

  /** The tenant's record was changed while the client proved who it is. */
  async #beginLater(
    channel: Channel,
    opening: ChannelOpening,
    login: Login | null,
    proof: ClientProof,
    place: ClientPlace | null,
  ): Promise<void> {
    channel.pause();
    try {
      if (login !== null) await this.#parts.directory.lookup(login.tenant.external_id);
    } catch (error) {
      this.#leave(place);
      return this.#refusals.refuseProven(channel, opening, error, proof);
    }
    if (channel.closed) return this.#leave(place);
    channel.resume();
    this.#begin(channel, opening, login, proof, place);
  }

  /** Other workers may have clients of the same tenant: its limits are theirs, too. */
  async #enter(
    channel: Channel,
    opening: ChannelOpening,
    login: Login,
    proof: ClientProof,
    census: ClientCensus,
  ): Promise<void> {
    const { place, limits } = this.#host.placeOf(login, proof, opening);
    channel.pause();
    let entered: ClientPlace;
    try {
      entered = await census.enter(place, limits);
    } catch (error) {
      return this.#refusals.refuseProven(channel, opening, error, proof);
    }
    if (channel.closed) return census.leave(entered);
    channel.resume();
    // The tenant's record may have been changed meanwhile.
    this.#begin(channel, opening, login, proof, entered);
  }

  #leave(place: ClientPlace | null): void {
    if (place !== null) this.#parts.census?.leave(place);
  }

  /** What a wrong password was held against may be what has changed. */
  #doubtSecret(login: Login | null): void {
    if (login === null || login.byToken || login.tenant.require_user) return;
    this.#parts.authQueries.doubt(login.tenant.external_id, login.user.db_user);
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
}

function storeLogin(tenant: StoredTenant | null, user: TenantUser | null): Login | null {
  return tenant === null || user === null ? null : { tenant, user, byToken: false };
}
