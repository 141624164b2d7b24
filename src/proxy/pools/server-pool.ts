/**
 * The servers of one (tenant, user, database, mode): opens, lends and ends them by the rules of
 * {@link Pool}, which knows nothing of PostgreSQL.
 */

import { encodeBase64 } from "../../auth/base64.ts";
import type { ScramLoginKeys } from "../../auth/scram-keys.ts";
import { PoolerError } from "../../base/pooler-error.ts";
import type { Transport } from "../../net/transport.ts";
import { Pool } from "../../pool/pool.ts";
import type { PoolCounts } from "../../pool/pool-counts.ts";
import type { PoolGroup } from "../../pool/pool-group.ts";
import type { OpenFailure, PoolOwner } from "../../pool/pool-owner.ts";
import type { Ticker } from "../../pool/ticker.ts";
import type { Waiter } from "../../pool/waiter.ts";
import { isPasswordRefusal, isRefusal } from "../../session/login/server-login-errors.ts";
import { ServerState } from "../../session/server-state.ts";
import { SettingsInterner } from "../../session/settings/session-settings.ts";
import { ServerStatements } from "../../session/statements/server-statements.ts";
import type { StatementInterner } from "../../session/statements/statement.ts";
import type { CancelKey } from "../../wire/cancel-key.ts";
import { deliverCancel } from "../cancel/cancel-delivery.ts";
import type { SessionTimes } from "../client/session-times.ts";
import { type StoredSecrets, sameSecret } from "../login/user-secrets.ts";
import { SecretOutdatedError } from "../proxy-errors.ts";
import { HiddenStateWatch } from "../server/hidden-state-watch.ts";
import { openFailureOf } from "../server/open-failure.ts";
import { OpenedServers } from "../server/opened-servers.ts";
import { type Departure, Recovery } from "../server/recovery.ts";
import type { ServerAddress } from "../server/server-address.ts";
import { ServerConnection, type ServerOwner } from "../server/server-connection.ts";
import { ServerOpening } from "../server/server-opening.ts";
import { type ServerSecret, ServerSecrets } from "../server/server-secrets.ts";
import type { PoolName } from "./pool-name.ts";
import { PoolPins } from "./pool-pins.ts";
import { type PoolRecipe, servesAsWell } from "./pool-recipe.ts";
import type { ServerPoolEnvironment } from "./server-pool-environment.ts";
import type { PoolShare } from "./tenant-share.ts";

const NONCE_BYTES = 18;

export class ServerPool implements PoolOwner<ServerConnection>, ServerOwner {
  readonly name: PoolName;
  readonly statements: StatementInterner;
  readonly settings = new SettingsInterner();
  readonly hiddenState: HiddenStateWatch;
  readonly pins: PoolPins;
  readonly #environment: ServerPoolEnvironment;
  readonly #group: PoolGroup;
  readonly #onOver: () => void;
  readonly #pool: Pool<ServerConnection>;
  readonly #secrets: ServerSecrets;
  readonly #opened: OpenedServers;
  #recipe: PoolRecipe;
  /** Counts recipes whose servers differ: servers of an older generation are ended when they come back. */
  #generation = 0;
  #clients = 0;
  /** Told when PostgreSQL refuses the secret that clients' logins brought; null: it stands in the tenant's record. */
  onSecretRefused: (() => void) | null = null;

  /** @param onOver the last server is gone, and no client is there */
  constructor(
    name: PoolName,
    recipe: PoolRecipe,
    share: PoolShare,
    environment: ServerPoolEnvironment,
    onOver: () => void,
  ) {
    this.name = name;
    this.statements = share.statements;
    this.#group = share.group;
    this.#opened = new OpenedServers(share.permits, share.key);
    this.#recipe = recipe;
    this.#secrets = new ServerSecrets(recipe.secrets);
    this.#environment = environment;
    this.#onOver = onOver;
    this.hiddenState = new HiddenStateWatch(
      recipe.hiddenStateCheck,
      { ...name },
      environment.logger,
      share.statements.reader,
    );
    this.pins = new PoolPins(
      recipe.pins,
      { ...name },
      environment.logger,
      environment.counters.pins,
    );
    this.#pool = new Pool<ServerConnection>({
      clock: environment.net.clock,
      ticker: environment.ticker,
      random: environment.random,
      limits: recipe.limits,
      owner: this,
      name: share.key,
      group: share.group,
    });
  }

  /** How long its clients may do what; another object after a {@link reconfigure}. */
  get times(): SessionTimes {
    return this.#recipe.times;
  }

  /** How long a cancel may take. */
  get cancelTimeoutMs(): number {
    return this.#environment.limits.cancelTimeoutMs;
  }

  /** How long a server that is tried may take to answer. */
  get checkTimeoutMs(): number {
    return this.#recipe.limits.connectDeadlineMs;
  }

  get ticker(): Ticker {
    return this.#environment.ticker;
  }

  get recipe(): PoolRecipe {
    return this.#recipe;
  }

  /** Clients that are logged in. */
  get clients(): number {
    return this.#clients;
  }

  /** What can be counted about its servers, and who waits for one. */
  get counts(): PoolCounts {
    return this.#pool;
  }

  get paused(): boolean {
    return this.#pool.paused;
  }

  /** Why the latest server could not be opened; null: it could. */
  get openError(): PoolerError | null {
    return this.#pool.openError;
  }

  /** Whether no client and no server is left. */
  get over(): boolean {
    return this.#clients === 0 && this.#pool.taken === 0;
  }

  /** Servers, in whatever state. */
  get servers(): number {
    return this.#pool.taken;
  }

  clientJoined(): void {
    this.#clients += 1;
    if (this.#recipe.limits.sizeMin > 0) this.#pool.wake();
  }

  clientLeft(): void {
    this.#clients -= 1;
  }

  /** A client of this pool has proven who it is: its keys open servers where only a verifier is known. */
  passKeysThrough(keys: ScramLoginKeys): void {
    this.#secrets.passThrough(keys);
  }

  /**
   * The secret that the role has now, as a login has brought it. Where it is another one, servers end as they
   * come back: they may belong to a role of the same name that is gone.
   */
  renewSecret(secrets: StoredSecrets): void {
    const changed = !sameSecret(this.#recipe.secrets.secret, secrets.secret);
    this.#recipe = { ...this.#recipe, secrets };
    this.#secrets.replace(secrets);
    if (changed) this.renew();
  }

  acquire(waiter: Waiter<ServerConnection>): ServerConnection | null {
    return this.#pool.acquire(waiter);
  }

  forget(waiter: Waiter<ServerConnection>): void {
    this.#pool.forget(waiter);
  }

  /** Takes a server back from a client that is gone, whatever it was doing. */
  recover(server: ServerConnection, departure: Departure): void {
    const { scratch, limits } = this.#environment;
    server.endHold();
    const cancel = (): void => this.cancel(server);
    new Recovery(server, scratch, limits.cancelTimeoutMs, cancel).start(departure);
  }

  /** Has PostgreSQL cancel what `server` runs now. */
  cancel(server: ServerConnection): void {
    const { net, limits } = this.#environment;
    deliverCancel(server, {
      address: this.#recipe.address,
      timeoutMs: limits.cancelTimeoutMs,
      environment: net,
    });
  }

  /**
   * New servers are opened by `recipe`; those there are end as they come back, unless they are as good. No
   * client is disturbed.
   */
  reconfigure(recipe: PoolRecipe): void {
    const before = this.#recipe;
    this.#recipe = recipe;
    this.hiddenState.every = recipe.hiddenStateCheck;
    this.pins.limits = recipe.pins;
    this.#pool.changeLimits(recipe.limits);
    this.#secrets.replace(recipe.secrets);
    if (servesAsWell(before, recipe, this.#environment.wallClock.iso())) return;
    this.renew();
  }

  /** Lends nothing until it is resumed, and ends its servers as they come back. Clients stay, and wait. */
  pause(): void {
    this.#pool.pause();
  }

  resume(): void {
    this.#pool.resume();
  }

  /** Ends the servers there are as they come back; others take their place. */
  renew(): void {
    this.#generation += 1;
    this.#pool.retireIdle();
  }

  /** It is {@link over}, and not used again. */
  leave(): void {
    // It would try again to open what is to be kept open.
    this.#pool.changeLimits({ ...this.#recipe.limits, sizeMin: 0 });
    this.#group.leave(this.#pool);
  }

  /** Lends nothing any more, and ends all servers as they come back. */
  close(error: PoolerError): void {
    this.#pool.close(error);
  }

  open(): void {
    const { net, limits, random, wallClock } = this.#environment;
    const { address, user, database, limits: recipeLimits } = this.#recipe;
    const generation = this.#generation;
    const secrets = this.#secrets.inOrder(wallClock.iso());
    const opening = new ServerOpening(
      {
        address,
        user,
        database,
        secrets,
        connectTimeoutMs: recipeLimits.connectDeadlineMs,
        iterationsMax: limits.scramIterationsMax,
        environment: net,
        newNonce: () => encodeBase64(random.bytes(NONCE_BYTES)),
        deriveKeys: (password, salt, iterations) =>
          this.#secrets.keysFor(password, salt, iterations),
      },
      {
        onOpened: (transport, key, parameters, secret) => {
          this.#secrets.worked(secret);
          this.#onOpened(transport, key, parameters, { generation, address });
        },
        onFailed: (error) =>
          this.#onOpenFailed(this.#judgeRefusal(error, secrets), this.#failureOf(error, secrets)),
      },
    );
    opening.start();
  }

  retire(server: ServerConnection): void {
    server.end();
  }

  onServerClean(server: ServerConnection): void {
    if (server.generation === this.#generation) this.#pool.release(server);
    else server.end();
  }

  onServerEnding(server: ServerConnection): void {
    const { state } = server.slot;
    if (state === "idle" || state === "active") this.#pool.discard(server);
  }

  onServerGone(server: ServerConnection): void {
    this.#opened.gone(server);
    this.#pool.gone(server);
    if (this.over) this.#onOver();
  }

  onFault(error: PoolerError): void {
    this.#environment.counters.internalErrorsTotal += 1;
    this.#environment.logger.error({ ...this.name, sqlstate: error.sqlstate }, error.logText);
  }

  onDesync(_server: ServerConnection, error: PoolerError): void {
    this.#environment.counters.desyncTotal += 1;
    this.#environment.logger.error({ ...this.name, sqlstate: error.sqlstate }, error.logText);
  }

  #onOpened(
    transport: Transport,
    key: CancelKey | null,
    parameters: ReadonlyMap<string, string>,
    { generation, address }: { readonly generation: number; readonly address: ServerAddress },
  ): void {
    const { limits, scratch } = this.#environment;
    const statements = new ServerStatements(this.statements, limits.serverStatementsMax);
    const state = new ServerState(statements, this.settings, parameters);
    const server = new ServerConnection(transport, key, state, generation, this, scratch);
    this.#noteReported(parameters);
    this.#opened.opened(server, address, key);
    this.#pool.opened(server);
  }

  /** What a fresh server reports is what a client without settings of its own is told at its login. */
  #noteReported(parameters: ReadonlyMap<string, string>): void {
    const { none } = this.settings;
    if (none.reported !== null && sameEntries(none.reported, parameters)) return;
    this.settings.forgetReported();
    none.reported = parameters;
  }

  /**
   * Of a password that is just being changed, the refusal is no more than one for now. But where logins bring the
   * secret, nobody would: it is the client that waits who has to connect again.
   */
  #failureOf(error: PoolerError, tried: readonly ServerSecret[]): OpenFailure {
    const failure = openFailureOf(error);
    if (failure !== "permanent" || !isPasswordRefusal(error)) return failure;
    if (this.onSecretRefused !== null) return failure;
    const now = this.#environment.net.clock.now();
    return this.#secrets.areBeingChanged(tried, now) ? "own" : failure;
  }

  /** Where logins bring the secret, one that PostgreSQL refuses is dropped: the next login brings a new one. */
  #judgeRefusal(error: PoolerError, tried: readonly ServerSecret[]): PoolerError {
    if (this.onSecretRefused === null || !isRefusal(error)) return error;
    this.#secrets.dropKeys(tried);
    this.onSecretRefused();
    return isPasswordRefusal(error) ? new SecretOutdatedError(this.#recipe.user, error) : error;
  }

  #onOpenFailed(error: PoolerError, failure: OpenFailure): void {
    this.#environment.logger.warn(
      { ...this.name, sqlstate: error.sqlstate },
      `cannot open a server: ${error.logText}`,
    );
    this.#environment.lastErrors.note(this.name.tenant, "server", error);
    this.#pool.openFailed(error, failure);
    if (this.over) this.#onOver();
  }
}

function sameEntries(
  one: ReadonlyMap<string, string>,
  other: ReadonlyMap<string, string>,
): boolean {
  if (one.size !== other.size) return false;
  for (const [name, value] of one) if (other.get(name) !== value) return false;
  return true;
}
