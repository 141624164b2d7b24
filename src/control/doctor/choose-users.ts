/**
 * Whose logins an examination tries.
 */

import { closestName } from "../../base/closest-name.ts";
import type { Tenant } from "../../tenants/tenant.ts";
import type { TenantUser } from "../../tenants/tenant-user.ts";
import { type Finding, Findings } from "./finding.ts";

/** Each login takes PostgreSQL some milliseconds; nobody reads more findings than these. */
const USERS_MAX = 50;

export interface ChosenUsers {
  readonly users: readonly TenantUser[];
  /** What is to be said of the choice. */
  readonly findings: readonly Finding[];
}

/**
 * Returns the users whose passwords the store has: all of the tenant, the one that `name` names, or, where
 * passwords come from `auth_query`, the manager that runs it.
 */
export function chooseUsers({ users, require_user }: Tenant, name: string | null): ChosenUsers {
  const findings = new Findings("users", name === null ? "all of the tenant" : `user ${name}`);
  if (!require_user) return { users: users.filter((user) => user.is_manager), findings: [] };
  if (name !== null) return chooseOne(users, name, findings);
  if (users.length === 0)
    return {
      users,
      findings: [
        findings.problem("there is none: nobody can log in", "Put users into the tenant's record."),
      ],
    };
  if (users.length <= USERS_MAX) return { users, findings: [] };
  const warning = findings.warning(
    `there are ${users.length}, of whom the first ${USERS_MAX} are tried`,
    "Look at another one by --user NAME.",
  );
  return { users: users.slice(0, USERS_MAX), findings: [warning] };
}

function chooseOne(users: readonly TenantUser[], name: string, findings: Findings): ChosenUsers {
  const byAlias = users.filter((user) => user.db_user_alias === name);
  const chosen = byAlias.length > 0 ? byAlias : users.filter((user) => user.db_user === name);
  if (chosen.length > 0) return { users: chosen, findings: [] };
  const names = users.map((user) => user.db_user_alias);
  const closest = closestName(name, names);
  const found = `the tenant has no user of that name${closest === null ? "" : `: did you mean ${closest}?`}`;
  return {
    users: [],
    findings: [
      findings.problem(found, "Correct the name, or put the user into the tenant's record."),
    ],
  };
}
