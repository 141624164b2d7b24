/**
 * What the fields of a tenant must hold together, one rule a function.
 */

import { DAMAGED_VERIFIER, isDamagedVerifier } from "./damaged-verifier.ts";
import type { FieldPath, FieldProblem } from "./field-problem.ts";
import type { Tenant } from "./tenant.ts";

/** What a tenant's rules need to know of the program's settings. */
export interface ValidationContext {
  /** GLOBAL_UPSTREAM_CA_PATH is set: `peer` and `full` have something to trust. */
  readonly globalUpstreamCa: boolean;
}

/** Returns every broken rule; none if the fields fit each other. */
export function crossFieldProblems(
  tenant: Tenant,
  context: ValidationContext,
): readonly FieldProblem[] {
  return [
    ...upstreamTlsProblems(tenant, context),
    ...addressProblems(tenant),
    ...authQueryProblems(tenant),
    ...jitProblems(tenant),
    ...banProblems(tenant),
    ...passwordProblems(tenant),
    ...previousPasswordProblems(tenant),
    ...aliasProblems(tenant),
  ];
}

/** Supavisor's CHECK `upstream_constraints`, and a check that has nothing to check against. */
function upstreamTlsProblems(tenant: Tenant, context: ValidationContext): FieldProblem[] {
  const { upstream_ssl, upstream_verify, upstream_tls_ca } = tenant;
  if (upstream_ssl && upstream_verify === null)
    return [problem(["upstream_verify"], "is required with upstream_ssl: none, peer or full")];
  if (!upstream_ssl && upstream_verify !== null)
    return [problem(["upstream_verify"], "needs upstream_ssl: true", upstream_verify)];
  const verifies = upstream_verify === "peer" || upstream_verify === "full";
  if (verifies && upstream_tls_ca === null && !context.globalUpstreamCa)
    return [
      problem(
        ["upstream_verify"],
        "needs certificates to trust: set upstream_tls_ca, or GLOBAL_UPSTREAM_CA_PATH for all tenants",
        upstream_verify,
      ),
    ];
  return [];
}

function addressProblems({ db_host, ip_version }: Tenant): FieldProblem[] {
  const isV6 = db_host.includes(":");
  const isV4 = /^\d+(\.\d+){3}$/.test(db_host);
  if ((ip_version === "v4" && isV6) || (ip_version === "v6" && isV4))
    return [problem(["ip_version"], `does not fit the address in db_host`, ip_version)];
  return [];
}

/** Supavisor's CHECK `auth_query_constraints`, and its demand for exactly one manager. */
function authQueryProblems({ require_user, auth_query, users }: Tenant): FieldProblem[] {
  const problems: FieldProblem[] = [];
  if (auth_query !== null && !auth_query.includes("$1"))
    problems.push(problem(["auth_query"], "must contain $1, the name of the role"));
  if (require_user) return problems;
  if (auth_query === null)
    problems.push(problem(["auth_query"], "is required with require_user: false"));
  const managers = users.filter((user) => user.is_manager).length;
  if (managers !== 1)
    problems.push(
      problem(
        ["users"],
        `must have exactly one user with is_manager: true where require_user is false; there are ${managers}`,
      ),
    );
  return problems;
}

function jitProblems({ use_jit, jit_api_url }: Tenant): FieldProblem[] {
  return use_jit && jit_api_url === null
    ? [problem(["jit_api_url"], "is required with use_jit: true")]
    : [];
}

function banProblems({ banned_at, banned_until, ban_reason }: Tenant): FieldProblem[] {
  if (banned_at !== null)
    return ban_reason === null ? [problem(["ban_reason"], "is required with banned_at")] : [];
  const problems: FieldProblem[] = [];
  if (banned_until !== null) problems.push(problem(["banned_until"], "needs banned_at"));
  if (ban_reason !== null) problems.push(problem(["ban_reason"], "needs banned_at"));
  return problems;
}

/**
 * PostgreSQL itself authenticates a native user, and `auth_query` tells the passwords of all but the manager that
 * runs it; everybody else's is needed here.
 */
function passwordProblems({ users, require_user }: Tenant): FieldProblem[] {
  return users.flatMap((user, index) => {
    if (user.mode_type === "native" && user.is_manager)
      return [problem(["users", index, "is_manager"], "cannot be true for a native user")];
    const needed = user.mode_type !== "native" && (require_user || user.is_manager);
    if (user.db_password === null && needed)
      return [problem(["users", index, "db_password"], "is required unless mode_type is native")];
    if (user.db_password !== null && isDamagedVerifier(user.db_password))
      return [problem(["users", index, "db_password"], DAMAGED_VERIFIER)];
    return [];
  });
}

/** An earlier password without an end would be a second password for ever. */
function previousPasswordProblems({ users }: Tenant): FieldProblem[] {
  return users.flatMap((user, index) => {
    const { db_password, db_password_previous: previous, previous_valid_until: until } = user;
    if (previous === null)
      return until === null
        ? []
        : [problem(["users", index, "previous_valid_until"], "needs db_password_previous")];
    const path = ["users", index, "db_password_previous"];
    if (db_password === null) return [problem(path, "needs db_password")];
    if (until === null)
      return [
        problem(["users", index, "previous_valid_until"], "is required with db_password_previous"),
      ];
    return isDamagedVerifier(previous) ? [problem(path, DAMAGED_VERIFIER)] : [];
  });
}

function aliasProblems({ users }: Tenant): FieldProblem[] {
  const seen = new Set<string>();
  return users.flatMap(({ db_user_alias }, index) => {
    if (!seen.has(db_user_alias)) {
      seen.add(db_user_alias);
      return [];
    }
    return [
      problem(
        ["users", index, "db_user_alias"],
        "must differ from the other users' (absent, it is db_user)",
        db_user_alias,
      ),
    ];
  });
}

function problem(path: FieldPath, message: string, value?: string): FieldProblem {
  return { path, message, value: value === undefined ? undefined : JSON.stringify(value) };
}
