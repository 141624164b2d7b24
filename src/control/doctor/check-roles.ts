/**
 * What PostgreSQL says of the tenant's roles: may they log in, for how long, how often, to this database?
 */

import type { ProbeConnection } from "../../proxy/probe/probe-connection.ts";
import type { Examination } from "./examination.ts";
import { type Finding, Findings } from "./finding.ts";
import { serversWanted } from "./servers-wanted.ts";

/** Time enough to change a password with everybody who uses it. */
const EXPIRY_WARNING = "14 days";

const SQL = `select rolname, rolcanlogin, rolconnlimit, rolsuper,
    rolvaliduntil < now(), rolvaliduntil < now() + interval '${EXPIRY_WARNING}',
    to_char(rolvaliduntil at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    has_database_privilege(oid, $1, 'connect')
  from pg_roles where rolname in (select jsonb_array_elements_text($2::jsonb))`;

interface Role {
  readonly name: string;
  readonly canLogIn: boolean;
  /** Negative: none. */
  readonly connectionLimit: number;
  readonly isSuperuser: boolean;
  readonly isExpired: boolean;
  readonly expiresSoon: boolean;
  readonly validUntil: string | null;
  readonly mayConnect: boolean;
}

/** Returns a finding for each role that is in order, and one for each thing that is wrong with another. */
export async function checkRoles(
  examination: Examination,
  connection: ProbeConnection,
): Promise<readonly Finding[]> {
  const { tenant, users } = examination;
  const names = [...new Set(users.map((user) => user.db_user))];
  const { rows } = await connection.query(SQL, [tenant.db_database, JSON.stringify(names)]);
  const roles = new Map(rows.map((row) => [row[0] ?? "", roleOf(row)]));
  return names.flatMap((name) => checkRole(name, roles.get(name), examination));
}

function checkRole(
  name: string,
  role: Role | undefined,
  examination: Examination,
): readonly Finding[] {
  const findings = new Findings(`role ${name}`, "its attributes and rights in PostgreSQL");
  if (role === undefined)
    return [findings.problem("there is no such role", "CREATE ROLE … LOGIN, or correct db_user.")];
  const wrong = [
    ...loginFindings(role, examination.tenant.db_database, findings),
    ...validityFindings(role, findings),
    ...limitFindings(role, examination, findings),
  ];
  return wrong.length > 0 ? wrong : [findings.ok("it may log in, and nothing limits it")];
}

function roleOf(row: readonly (string | null)[]): Role {
  const [name, canLogIn, connectionLimit, isSuperuser, isExpired, expiresSoon, until, mayConnect] =
    row;
  return {
    name: name ?? "",
    canLogIn: canLogIn === "t",
    connectionLimit: Number(connectionLimit),
    isSuperuser: isSuperuser === "t",
    isExpired: isExpired === "t",
    expiresSoon: expiresSoon === "t",
    validUntil: until ?? null,
    mayConnect: mayConnect === "t",
  };
}

function loginFindings(role: Role, database: string, findings: Findings): readonly Finding[] {
  const found: Finding[] = [];
  if (!role.canLogIn)
    found.push(findings.problem("it is NOLOGIN", `ALTER ROLE … LOGIN, or use another role.`));
  if (!role.mayConnect)
    found.push(
      findings.problem(
        `it may not connect to database ${database}`,
        "GRANT CONNECT ON DATABASE … TO the role.",
      ),
    );
  if (role.isSuperuser)
    found.push(
      findings.warning(
        "it is a superuser: whatever goes wrong in an application, PostgreSQL allows",
        "Give the tenant a role with the rights that it needs, and no more.",
      ),
    );
  return found;
}

function validityFindings(role: Role, findings: Findings): readonly Finding[] {
  const advice = "ALTER ROLE … VALID UNTIL 'infinity', or a later time.";
  if (role.isExpired)
    return [findings.problem(`its password was VALID UNTIL ${role.validUntil}`, advice)];
  if (role.expiresSoon)
    return [findings.warning(`its password is VALID UNTIL ${role.validUntil}`, advice)];
  return [];
}

function limitFindings(
  { name, connectionLimit }: Role,
  examination: Examination,
  findings: Findings,
): readonly Finding[] {
  const users = examination.tenant.users.filter((user) => user.db_user === name);
  const wanted = serversWanted(users, examination);
  if (connectionLimit < 0 || wanted <= connectionLimit) return [];
  return [
    findings.problem(
      `its CONNECTION LIMIT is ${connectionLimit}, and its pools may have ${wanted} servers`,
      `Lower pool_size to ${connectionLimit} at most in all, or ALTER ROLE … CONNECTION LIMIT ${wanted}.`,
    ),
  ];
}
