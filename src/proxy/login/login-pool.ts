/**
 * The pool that a login leads to, and what the login brings it: the secret that its servers are opened by, where
 * that does not stand in the tenant's record.
 */

import { sha256 } from "../../auth/sha-256.ts";
import type { ChannelOpening } from "../../net/channel-opening.ts";
import type { StoredTenant } from "../../tenants/tenant.ts";
import { poolKey } from "../pools/pool-key.ts";
import type { PoolMode } from "../pools/pool-name.ts";
import type { PoolRegistry } from "../pools/pool-registry.ts";
import type { ServerPool } from "../pools/server-pool.ts";
import { LoginOutdatedError } from "../proxy-errors.ts";
import type { AuthQueries } from "./auth-queries.ts";
import type { ClientProof } from "./client-authentication.ts";
import type { Login } from "./login.ts";
import { databaseOf } from "./opening-parameters.ts";
import { storedSecrets } from "./user-secrets.ts";

/** Which of the pools of a user is meant. */
export interface PoolPlace {
  readonly database: string;
  readonly mode: PoolMode;
}

/**
 * Returns the pool, by whose servers the client is represented from now on.
 * @throws {LoginOutdatedError} the role's secret was changed while the client proved the one before: that would
 * take the pool its keys
 */
export function poolOfLogin(
  login: Login,
  proof: Pick<ClientProof, "secret" | "keys">,
  place: PoolPlace,
  pools: PoolRegistry,
  authQueries: AuthQueries,
): ServerPool {
  const { tenant, user } = login;
  const { external_id: id } = tenant;
  const { database, mode } = place;
  if (login.byToken && proof.secret.kind === "plaintext") {
    const { password: token } = proof.secret;
    const owner = { ...user, db_password: token, db_password_previous: null };
    const pool = pools.poolOf(tenant, owner, database, mode, hashOf(token));
    pool.onSecretRefused = nothingKept;
    return pool;
  }
  if (!tenant.require_user && authQueries.isOutdated(id, user.db_user, user.db_password))
    throw new LoginOutdatedError();
  const pool = pools.poolOf(tenant, user, database, mode);
  if (!tenant.require_user) {
    pool.renewSecret(storedSecrets(user));
    pool.onSecretRefused = () => authQueries.forget(id, user.db_user);
  }
  if (proof.keys !== null) pool.passKeysThrough(proof.keys);
  return pool;
}

/** Returns the key of the pool that {@link poolOfLogin} returns. */
export function poolKeyOfLogin(
  { user, byToken }: Login,
  { secret }: Pick<ClientProof, "secret">,
  { database, mode }: PoolPlace,
): string {
  const tokenHash = byToken && secret.kind === "plaintext" ? hashOf(secret.password) : null;
  return poolKey(user.db_user_alias, database, mode, tokenHash);
}

/** Returns which of its user's pools a client has asked for. */
export function placeIn(tenant: StoredTenant, opening: ChannelOpening): PoolPlace {
  const mode = opening.portMode === "session" ? "session" : "transaction";
  return { database: databaseOf(opening, tenant), mode };
}

/** A pool's key is seen in more places than its secret. */
function hashOf(token: string): string {
  return Buffer.from(sha256(Buffer.from(token))).toString("hex");
}

function nothingKept(): void {
  // A token is asked about at each login.
}
