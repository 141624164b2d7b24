/**
 * Single parameters of a client's StartupMessage.
 */

import type { ChannelOpening } from "../../net/channel-opening.ts";
import type { StoredTenant } from "../../tenants/tenant.ts";

type WithParameters = Pick<ChannelOpening, "parameters">;

/** Returns the value of a parameter: the last one, as in PostgreSQL, where it stands there more than once. */
export function parameterOf(opening: WithParameters, name: string): string | undefined {
  return opening.parameters.findLast((parameter) => parameter[0] === name)?.[1];
}

/** Returns the database that the client means. */
export function databaseOf(opening: WithParameters, tenant: StoredTenant): string {
  return parameterOf(opening, "database") ?? tenant.db_database;
}
