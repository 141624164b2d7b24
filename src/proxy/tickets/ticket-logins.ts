/**
 * Whether what a client has proven to an owner that has ended still holds: the login that its ticket stands for, or
 * why there is none any more.
 *
 * Whose secret stands in the tenant's record is looked up there. Else whoever knows it is asked again, the tenant's
 * database or the provider of tokens, as for any login: a role that was dropped or has another password, or a token
 * that is over, opens nothing. Where they can't be asked, nobody is let in on an old word.
 */

import { equalInConstantTime } from "../../auth/constant-time.ts";
import type { ScramLoginKeys } from "../../auth/scram-keys.ts";
import type { Secret } from "../../auth/secret.ts";
import { sha256 } from "../../auth/sha-256.ts";
import type { Clock } from "../../base/clock.ts";
import { PoolerError } from "../../base/pooler-error.ts";
import { SQLSTATE } from "../../base/sqlstate.ts";
import type { WallClock } from "../../base/wall-clock.ts";
import { findLoginUser, type LoginUser, type QueriedLogin } from "../../tenants/find-login-user.ts";
import { queriedUser } from "../../tenants/queried-user.ts";
import type { StoredTenant } from "../../tenants/tenant.ts";
import type { TenantUser } from "../../tenants/tenant-user.ts";
import type { AuthQueries } from "../login/auth-queries.ts";
import type { ClientProof } from "../login/client-authentication.ts";
import type { Login } from "../login/login.ts";
import { isTokenOf } from "../login/token-login.ts";
import { secretOf, userSecrets } from "../login/user-secrets.ts";
import { UserRemovedError } from "../proxy-errors.ts";
import type { ClientTicket } from "./client-ticket.ts";
import type { TicketProof } from "./ticket-proof.ts";

/** The client's ticket is of no use here. */
export class NotTakenOverError extends PoolerError {
  constructor(reason: string) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.admin_shutdown,
      message: "terminating connection because a process of the connection pooler has ended",
      detail: "No query of this connection was under way.",
      hint: "Connect again.",
      logText: `a client was not taken over: ${reason}`,
    });
  }
}

/** A login that still holds, and by what it was proven. */
export interface TicketLogin {
  readonly login: Login;
  readonly proof: Pick<ClientProof, "secret" | "keys">;
}

export interface TicketLoginsParts {
  readonly authQueries: Pick<AuthQueries, "secretOf">;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly limits: { readonly jitTimeoutMs: number };
}

export class TicketLogins {
  readonly #parts: TicketLoginsParts;

  constructor(parts: TicketLoginsParts) {
    this.#parts = parts;
  }

  /**
   * Returns the login, or a promise where somebody has to be asked. Both throw the same.
   * @throws {UserRemovedError} nobody of that name may log in any more
   * @throws {NotTakenOverError} it does not hold any more, or nobody knows
   */
  loginOf(ticket: ClientTicket, tenant: StoredTenant): TicketLogin | Promise<TicketLogin> {
    const found = findLoginUser(tenant, ticket.alias);
    if (found === null) throw new UserRemovedError();
    expectSameUser(found.user, ticket);
    const { proof } = ticket;
    if (proof.kind === "token") return this.#byToken(ticket, proof, tenant, found.user);
    if (found.source === "auth_query") return this.#byQuery(ticket, tenant, found);
    const { user } = found;
    return { login: { tenant, user, byToken: false }, proof: this.#storedProof(proof, user) };
  }

  #storedProof(proof: TicketProof, user: TenantUser): TicketLogin["proof"] {
    const { secret, previous } = userSecrets(user, this.#parts.wallClock);
    if (proof.kind !== "stored") return provenBy(proof, [secret, previous]);
    const password = [secret, previous].find((each) => each !== null && each.kind !== "scram");
    if (password === undefined || password === null) throw changed();
    return { secret: password, keys: null };
  }

  async #byQuery(
    { alias, proof }: ClientTicket,
    tenant: StoredTenant,
    { manager, user: listed }: QueriedLogin,
  ): Promise<TicketLogin> {
    const role = listed?.db_user ?? alias;
    const text = await this.#ask(() => this.#parts.authQueries.secretOf(tenant, manager, role));
    const user = text === null ? null : queriedUser(listed, alias, text);
    if (user === null) throw new UserRemovedError();
    return {
      login: { tenant, user, byToken: false },
      proof: provenBy(proof, [secretOf(text)]),
    };
  }

  async #byToken(
    { alias, role }: ClientTicket,
    { token, remoteAddress }: Extract<TicketProof, { kind: "token" }>,
    tenant: StoredTenant,
    listed: TenantUser | null,
  ): Promise<TicketLogin> {
    const { clock, limits } = this.#parts;
    const { use_jit, jit_api_url: url } = tenant;
    const user = listed ?? queriedUser(null, alias, null);
    if (!use_jit || url === null || user === null) throw changed();
    const timeoutMs = limits.jitTimeoutMs;
    const question = { url, token, role, remoteAddress, timeoutMs, clock };
    if (!(await this.#ask(() => isTokenOf(question)))) throw changed();
    return {
      login: { tenant, user, byToken: true },
      proof: { secret: { kind: "plaintext", password: token }, keys: null },
    };
  }

  /** That nobody can be asked, an idle client is told as that it was not taken over: nothing of it is in doubt. */
  async #ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      if (error instanceof PoolerError) throw new NotTakenOverError(error.logText);
      throw error;
    }
  }
}

/** A name that is another user's by now, or whose servers are opened otherwise, is not the client's. */
function expectSameUser(user: LoginUser["user"], { alias, role }: ClientTicket): void {
  if (user === null) {
    if (alias !== role) throw new UserRemovedError();
    return;
  }
  if (user.db_user_alias !== alias) throw new UserRemovedError();
  if (user.db_user !== role || user.mode_type === "native") throw changed();
}

/** @throws {NotTakenOverError} none of `secrets` is what was proven */
function provenBy(proof: TicketProof, secrets: readonly (Secret | null)[]): TicketLogin["proof"] {
  const keys = proof.kind === "keys" ? proof.keys : null;
  for (const secret of secrets)
    if (secret !== null && isProven(secret, proof, keys)) return { secret, keys };
  throw changed();
}

function isProven(secret: Secret, proof: TicketProof, keys: ScramLoginKeys | null): boolean {
  if (proof.kind === "md5" && secret.kind === "md5")
    return equalInConstantTime(
      sha256(Buffer.from(proof.verifier)),
      sha256(Buffer.from(secret.verifier)),
    );
  if (secret.kind !== "scram" || keys === null) return false;
  return equalInConstantTime(sha256(keys.clientKey), secret.verifier.storedKey);
}

function changed(): NotTakenOverError {
  return new NotTakenOverError("what it has proven does not open servers any more");
}
