/**
 * Does PostgreSQL let the tenant's users in, with the passwords that the store has?
 */

import type { ProbeConnection } from "../../proxy/probe/probe-connection.ts";
import type { ProbeOutcome } from "../../proxy/probe/server-probe.ts";
import type { TenantUser } from "../../tenants/tenant-user.ts";
import type { Examination } from "./examination.ts";
import { type Finding, Findings } from "./finding.ts";
import { describeFailure, loginAdvice } from "./login-advice.ts";

export interface LoginCheck {
  readonly finding: Finding;
  /** Whose connection it is, who disposes of it; null: nobody could log in. */
  readonly connection: ProbeConnection | null;
}

const VERIFIER_ONLY =
  "the store has a verifier, no password: a server can be opened once a client has logged in with the password";

/** Tries the present password, and the one before where that is refused and still holds. */
export async function checkLogin(examination: Examination, user: TenantUser): Promise<LoginCheck> {
  const { tenant } = examination;
  const findings = new Findings(
    `login of ${user.db_user_alias}`,
    `as role ${user.db_user} to database ${tenant.db_database}`,
  );
  if (user.db_password === null)
    return without(findings.ok("not tried: of a native user PostgreSQL asks the password itself"));
  const outcome = await logIn(examination, user, user.db_password);
  if (outcome.ok) {
    const found = `logged in ${outcome.elapsedMs.toFixed(0)} ms after the first byte`;
    return { finding: findings.ok(found), connection: outcome.value };
  }
  const { failure } = outcome;
  if (failure.kind === "no usable secret")
    return without(findings.warning(VERIFIER_ONLY, KEEP_PLAIN));
  if (failure.sqlstate === "28P01") {
    const before = await checkPrevious(examination, user, findings);
    if (before !== null) return before;
  }
  return without(findings.problem(describeFailure(failure), loginAdvice(failure)));
}

const KEEP_PLAIN =
  "Store the password itself if servers are to be opened before the first login, and to be examined here.";

/** Null: the password before is not there, does not hold any more, or is refused as well. */
async function checkPrevious(
  examination: Examination,
  user: TenantUser,
  findings: Findings,
): Promise<LoginCheck | null> {
  const { db_password_previous: password, previous_valid_until: until } = user;
  const holds = until !== null && examination.wallClock.iso() < until;
  if (password === null || !holds) return null;
  const outcome = await logIn(examination, user, password);
  if (!outcome.ok) return null;
  const finding = findings.warning(
    `PostgreSQL has the password before the present one still, which Carpool uses until ${until}`,
    `Give the role the new one before then: ALTER ROLE … PASSWORD.`,
  );
  return { finding, connection: outcome.value };
}

function logIn(
  { tenant, address, probe }: Examination,
  { db_user: user }: TenantUser,
  password: string,
): Promise<ProbeOutcome<ProbeConnection>> {
  return probe.logIn(address, { user, database: tenant.db_database, password });
}

function without(finding: Finding): LoginCheck {
  return { finding, connection: null };
}
