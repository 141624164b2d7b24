/**
 * How many servers the pools of some users may have at a time.
 */

import type { TenantUser } from "../../tenants/tenant-user.ts";
import type { Examination } from "./examination.ts";

/**
 * Returns the sum of their pools' sizes and reserves, of one pool for each; never more than the tenant may
 * have in all.
 */
export function serversWanted(
  users: readonly TenantUser[],
  { tenant, reservePoolSize }: Pick<Examination, "tenant" | "reservePoolSize">,
): number {
  const sizes = users.map((user) => {
    const reserve = user.reserve_pool_size ?? tenant.reserve_pool_size ?? reservePoolSize;
    return (user.pool_size ?? tenant.default_pool_size) + reserve;
  });
  const sum = sizes.reduce((total, size) => total + size, 0);
  return Math.min(sum, tenant.max_server_connections ?? sum);
}
