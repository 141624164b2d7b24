/**
 * Does the tenant's `auth_query` run, and does it return what a login needs: one row of a name and a
 * secret for a role that there is, and none for another? The secrets themselves go nowhere.
 */

import type { ProbeConnection, ProbeRows } from "../../proxy/probe/probe-connection.ts";
import { type ProbeFailure, probeFailureOf } from "../../proxy/probe/probe-failure.ts";
import { isDamagedVerifier } from "../../tenants/damaged-verifier.ts";
import type { Examination } from "./examination.ts";
import { type Finding, Findings } from "./finding.ts";
import { describeFailure } from "./login-advice.ts";

/** No role has this name: it is longer than PostgreSQL lets one be. */
const NOBODY = `nobody-${"x".repeat(64)}`;

const FORMS = [
  [/^SCRAM-SHA-256\$/, "a SCRAM verifier"],
  [/^md5[0-9a-f]{32}$/, "an md5 hash"],
] as const;

const BY_SQLSTATE: Readonly<Record<string, string>> = {
  "42501":
    "Let the manager read the secrets: by a SECURITY DEFINER function of a superuser that it may execute, or GRANT SELECT ON pg_shadow.",
  "42P01": "The query names a table that is not there, or not in the manager's search_path.",
  "42883": "The query calls a function that is not there, or with parameters of other types.",
  "57014": "Each login would wait for it: have it look up one row by an index, as pg_authid has.",
  "42601": "The query is no SQL: correct auth_query.",
};

/**
 * Returns findings for the role that `--user` named, else for the manager itself.
 * @param connection the manager's
 */
export async function checkAuthQuery(
  { tenant, userName }: Examination,
  connection: ProbeConnection,
): Promise<readonly Finding[]> {
  const { auth_query: sql } = tenant;
  const manager = tenant.users.find((user) => user.is_manager);
  if (tenant.require_user || sql === null || manager === undefined) return [];
  const name = userName ?? manager.db_user;
  const findings = new Findings("auth_query", `the query for ${name}, as role ${manager.db_user}`);
  const answer = await ask(connection, sql, name);
  if ("kind" in answer)
    return [findings.problem(describeFailure(answer), BY_SQLSTATE[answer.sqlstate ?? ""] ?? OTHER)];
  const nobody = await ask(connection, sql, NOBODY);
  return [judge(answer, name, findings), ...judgeNobody(nobody)];
}

const OTHER = "Run the query in psql as the manager, and correct auth_query.";

async function ask(
  connection: ProbeConnection,
  sql: string,
  name: string,
): Promise<ProbeRows | ProbeFailure> {
  try {
    return await connection.query(sql, [name]);
  } catch (error) {
    return probeFailureOf(error);
  }
}

function judge({ columns, rows }: ProbeRows, name: string, findings: Findings): Finding {
  if (columns.length !== 2)
    return findings.problem(
      `it returns ${columns.length} columns`,
      "It must return two: the role's name and its secret.",
    );
  const [row, ...more] = rows;
  if (row === undefined)
    return findings.problem(
      "it returns no row",
      "The role does not exist, may not log in, or the query leaves it out: nobody can log in by that name.",
    );
  if (more.length > 0)
    return findings.problem(
      `it returns ${rows.length} rows`,
      "It must return one: restrict it by usename = $1.",
    );
  const [found, secret] = row;
  if (found !== name)
    return findings.problem(
      "the name in its row is another one",
      "Its first column must be the role's name: is it restricted by $1?",
    );
  return judgeSecret(secret ?? null, findings);
}

function judgeSecret(secret: string | null, findings: Findings): Finding {
  if (secret === null)
    return findings.problem(
      "the role has no secret",
      "ALTER ROLE … PASSWORD; where it has one, pg_roles hides it: ask pg_authid or pg_shadow.",
    );
  if (secret === "" || isDamagedVerifier(secret) || /^\*+$/.test(secret))
    return findings.problem(
      "the secret is damaged, or hidden",
      "Return rolpassword of pg_authid (passwd of pg_shadow) as it is.",
    );
  const form = FORMS.find(([pattern]) => pattern.test(secret))?.[1];
  if (form === undefined)
    return findings.warning(
      "the secret is a password in clear text",
      "Return rolpassword of pg_authid: with SCRAM nobody has to know a password.",
    );
  return findings.ok(`one row, with ${form}`);
}

/** Who does not exist must not get a secret, or anybody may log in under any name. */
function judgeNobody(answer: ProbeRows | ProbeFailure): readonly Finding[] {
  if ("kind" in answer || answer.rows.length === 0) return [];
  const findings = new Findings("auth_query", "the query for a role that does not exist");
  return [
    findings.problem(
      "it returns a row",
      "Restrict it by usename = $1: now whoever knows one secret may take any name.",
    ),
  ];
}
