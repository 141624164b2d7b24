/**
 * Tries everything that a client of a tenant would need, in the order in which it would need it. What
 * stands behind a problem is not tried: it could only fail for the same reason.
 */

import type { ProbeConnection } from "../../proxy/probe/probe-connection.ts";
import { probeFailureOf } from "../../proxy/probe/probe-failure.ts";
import { checkAllowList } from "./check-allow-list.ts";
import { checkAuthQuery } from "./check-auth-query.ts";
import { checkBan } from "./check-ban.ts";
import { checkClock } from "./check-clock.ts";
import { checkConnectionLimits } from "./check-connection-limits.ts";
import { checkLatency } from "./check-latency.ts";
import { checkLogin } from "./check-login.ts";
import { checkNameResolution } from "./check-name-resolution.ts";
import { checkRecord } from "./check-record.ts";
import { checkRoles } from "./check-roles.ts";
import { checkServer } from "./check-server.ts";
import { checkTcp } from "./check-tcp.ts";
import { checkTls } from "./check-tls.ts";
import type { Examination } from "./examination.ts";
import { type Finding, Findings } from "./finding.ts";
import { describeFailure, loginAdvice } from "./login-advice.ts";

/** Checks that ask PostgreSQL, over the connection of one of the tenant's users. */
const INSIDE: readonly {
  readonly name: string;
  readonly check: (
    examination: Examination,
    connection: ProbeConnection,
  ) => Promise<readonly Finding[]>;
}[] = [
  { name: "server", check: (_examination, connection) => checkServer(connection) },
  { name: "roles", check: checkRoles },
  { name: "auth_query", check: checkAuthQuery },
  { name: "connection limits", check: checkConnectionLimits },
  { name: "clock", check: checkClock },
  { name: "latency", check: checkLatency },
];

/** Yields each finding as soon as it is there. Leaves nothing open. */
export async function* examineTenant(examination: Examination): AsyncGenerator<Finding> {
  yield* checkRecord(examination);
  yield* checkBan(examination);
  yield* checkAllowList(examination);
  const resolution = await checkNameResolution(examination);
  yield resolution.finding;
  if (resolution.addresses.length === 0) return;
  const reachability = await checkTcp(examination, resolution.addresses);
  yield* reachability.findings;
  if (!reachability.reached) return;
  const tls = await checkTls(examination, resolution.addresses);
  yield* tls;
  if (tls.some(({ verdict }) => verdict === "problem")) return;
  yield* examineInside(examination);
}

/** Of all logins that succeed, the first is kept for the questions to PostgreSQL. */
async function* examineInside(examination: Examination): AsyncGenerator<Finding> {
  let kept: ProbeConnection | null = null;
  try {
    for (const user of examination.users) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other: never more than two connections
      const { finding, connection } = await checkLogin(examination, user);
      yield finding;
      if (kept === null) kept = connection;
      // oxlint-disable-next-line no-await-in-loop -- as above
      else await connection?.[Symbol.asyncDispose]();
    }
    if (kept !== null) yield* examineOver(examination, kept);
  } finally {
    await kept?.[Symbol.asyncDispose]();
  }
}

async function* examineOver(
  examination: Examination,
  connection: ProbeConnection,
): AsyncGenerator<Finding> {
  for (const { name, check } of INSIDE) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- one question after the other
      yield* await check(examination, connection);
    } catch (error) {
      const failure = probeFailureOf(error);
      const findings = new Findings(name, "to ask PostgreSQL");
      yield findings.warning(`no answer: ${describeFailure(failure)}`, loginAdvice(failure));
    }
  }
}
