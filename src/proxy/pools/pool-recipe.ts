/**
 * What one pool is built for, and when servers that an older recipe opened are as good as new ones.
 */

import type { PoolLimits } from "../../pool/pool-limits.ts";
import type { SessionTimes } from "../client/session-times.ts";
import { type StoredSecrets, sameSecret } from "../login/user-secrets.ts";
import type { ServerAddress } from "../server/server-address.ts";
import type { PinLimits } from "./pin-limits.ts";

/** What a pool is built for. May be exchanged while it works: see `ServerPool.reconfigure`. */
export interface PoolRecipe {
  readonly address: ServerAddress;
  readonly user: string;
  readonly database: string;
  readonly secrets: StoredSecrets;
  readonly limits: PoolLimits;
  readonly times: SessionTimes;
  /** What clients are told while no server has been reached; null: they wait for one. */
  readonly parameterDefaults: ReadonlyMap<string, string> | null;
  /** One check-in in so many is looked at for hidden state. */
  readonly hiddenStateCheck: number;
  /** Most clients at a time. */
  readonly clientsMax: number;
  /** Most clients at a time that keep a server for themselves, in transaction mode. */
  readonly pins: PinLimits;
}

/**
 * Whether servers opened by `before` are as good as those opened by `after`: also those whose password is
 * being changed, for as long as it holds.
 * @param now the time of day, as the recipes have it: ISO 8601 in UTC
 */
export function servesAsWell(before: PoolRecipe, after: PoolRecipe, now: string): boolean {
  if (!Bun.deepEquals(openedBy(before), openedBy(after), true)) return false;
  const { secret, previous } = after.secrets;
  const opened = before.secrets.secret;
  if (sameSecret(opened, secret)) return true;
  return previous !== null && now < previous.validUntil && sameSecret(opened, previous.secret);
}

/** What servers are opened by, secrets aside. */
function openedBy({ address, user, database }: PoolRecipe): object {
  return { address, user, database };
}
