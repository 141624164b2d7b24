/**
 * A client's login while it lasts: the tenant and the user that it is checked by, and whether these still hold when
 * it has proven who it is.
 */

import type { Secret } from "../../auth/secret.ts";
import type { WallClock } from "../../base/wall-clock.ts";
import type { ChannelOpening } from "../../net/channel-opening.ts";
import { findLoginUser, type LoginUser } from "../../tenants/find-login-user.ts";
import { queriedUser } from "../../tenants/queried-user.ts";
import type { StoredTenant } from "../../tenants/tenant.ts";
import type { TenantUser } from "../../tenants/tenant-user.ts";
import { AuthenticationFailedError, LoginOutdatedError } from "../proxy-errors.ts";
import { parameterOf } from "./opening-parameters.ts";
import { includesSecret, userSecrets } from "./user-secrets.ts";

/** A login whose tenant and user are known. */
export interface Login {
  readonly tenant: StoredTenant;
  /** With the secret that it is checked by. */
  readonly user: TenantUser;
  /** It is checked by a token instead, which then opens servers. */
  readonly byToken: boolean;
}

/**
 * Returns the login by the tenant's record of now, so that no pool is made or keyed by an older one.
 * @param secret what the client has proven
 * @throws {AuthenticationFailedError} it has proven what no longer holds
 * @throws {LoginOutdatedError} its secret would have to be fetched again
 */
export function currentLogin(
  tenant: StoredTenant | null,
  opening: ChannelOpening,
  proven: Login,
  secret: Secret,
  wallClock: WallClock,
): Login {
  if (tenant === proven.tenant) return proven;
  const found = tenant === null ? null : findLoginUser(tenant, opening.user);
  if (tenant === null || found === null) throw refusal(opening);
  if (proven.byToken) return tokenLogin(tenant, found, opening, proven);
  if (found.source === "store") {
    if (includesSecret(userSecrets(found.user, wallClock), secret))
      return { tenant, user: found.user, byToken: false };
    throw refusal(opening);
  }
  const user = queriedUser(found.user, opening.user, proven.user.db_password);
  const same = user !== null && user.db_user === proven.user.db_user;
  if (!same || !sameSource(tenant, proven.tenant)) throw new LoginOutdatedError();
  return { tenant, user, byToken: false };
}

/** The token was good a moment ago: it is still, if the same provider says so. */
function tokenLogin(
  tenant: StoredTenant,
  { user: listed }: LoginUser,
  opening: ChannelOpening,
  proven: Login,
): Login {
  const { id, use_jit, jit_api_url } = proven.tenant;
  const user = listed ?? queriedUser(null, opening.user, null);
  const same = tenant.id === id && tenant.use_jit === use_jit && tenant.jit_api_url === jit_api_url;
  if (!same || user?.db_user !== proven.user.db_user) throw new LoginOutdatedError();
  return { tenant, user, byToken: true };
}

function refusal(opening: ChannelOpening): AuthenticationFailedError {
  const name = parameterOf(opening, "user") ?? opening.user;
  return new AuthenticationFailedError(name, opening.waysTried);
}

/** Whether the same query of the same database tells the secrets of both records. */
function sameSource(one: StoredTenant, other: StoredTenant): boolean {
  return Bun.deepEquals(sourceOf(one), sourceOf(other), true);
}

function sourceOf({ id, require_user, auth_query, db_host, db_port, db_database }: StoredTenant) {
  return { id, require_user, auth_query, db_host, db_port, db_database };
}
