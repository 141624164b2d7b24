/**
 * What runs for a tenant, as the API shows it.
 */

import { z } from "@hono/zod-openapi";
import type { TenantState } from "../control/traffic.ts";

const count = z.int().min(0);

const poolStateSchema = z.object({
  user: z.string(),
  database: z.string(),
  mode: z.string(),
  size: count.describe("Most servers"),
  clients: count,
  waiting: count.describe("Clients that wait for a server"),
  servers_idle: count,
  servers_active: count.describe("Lent to a client"),
  servers_opening: count,
  pins: count.describe("Clients that keep a server"),
  paused: z.boolean(),
  last_error: z.string().nullable().describe("Why the last server could not be opened"),
});

export const tenantStateSchema = z
  .object({
    external_id: z.string(),
    paused: z.boolean().describe("No server is lent"),
    clients: count,
    clients_waiting: count.describe("Clients that wait for a server"),
    servers: count,
    servers_idle: count,
    servers_active: count.describe("Lent to a client"),
    pins: count.describe("Clients that keep a server in transaction mode"),
    pools: z.array(poolStateSchema),
    last_errors: z
      .array(
        z.object({
          at: z.string(),
          sqlstate: z.string(),
          message: z.string(),
          where: z.enum(["client", "server"]).describe("Told to a client, or told by a server"),
        }),
      )
      .describe("The last ten, newest first"),
  })
  .meta({ id: "TenantState" });

/** Returns the state by the API's names. */
export function toTenantState(state: TenantState): z.output<typeof tenantStateSchema> {
  return {
    external_id: state.externalId,
    paused: state.paused,
    clients: state.clients,
    clients_waiting: state.clientsWaiting,
    servers: state.servers,
    servers_idle: state.serversIdle,
    servers_active: state.serversActive,
    pins: state.pins,
    pools: state.pools.map((pool) => ({
      user: pool.user,
      database: pool.database,
      mode: pool.mode,
      size: pool.size,
      clients: pool.clients,
      waiting: pool.waiting,
      servers_idle: pool.serversIdle,
      servers_active: pool.serversActive,
      servers_opening: pool.serversOpening,
      pins: pool.pins,
      paused: pool.paused,
      last_error: pool.lastError,
    })),
    last_errors: state.lastErrors.map(({ at, sqlstate, message, where }) => ({
      at,
      sqlstate,
      message,
      where,
    })),
  };
}
