/**
 * Has PostgreSQL room for all the servers that the tenant's pools may open?
 */

import type { ProbeConnection } from "../../proxy/probe/probe-connection.ts";
import type { Examination } from "./examination.ts";
import { type Finding, Findings } from "./finding.ts";
import { serversWanted } from "./servers-wanted.ts";

/** `reserved_connections` is there from version 16 on. Who has no rights sees names here, and no more. */
const SQL = `select current_setting('max_connections'),
    current_setting('superuser_reserved_connections'),
    coalesce(nullif(current_setting('reserved_connections', true), ''), '0'),
    (select datconnlimit from pg_database where datname = current_database()),
    (select count(*) from pg_stat_activity where datid is not null
       and pid <> pg_backend_pid()
       and not (datname = current_database()
         and usename in (select jsonb_array_elements_text($1::jsonb))))`;

interface Room {
  readonly connectionsMax: number;
  readonly reserved: number;
  /** Negative: none. */
  readonly databaseLimit: number;
  /** Connections that are not this tenant's. */
  readonly others: number;
}

/** Returns one finding for the whole server, and one for a limit of the database. */
export async function checkConnectionLimits(
  examination: Examination,
  connection: ProbeConnection,
): Promise<readonly Finding[]> {
  const { tenant } = examination;
  const pooled = tenant.users.filter((user) => user.mode_type !== "native");
  const names = JSON.stringify(pooled.map((user) => user.db_user));
  const [row = []] = (await connection.query(SQL, [names])).rows;
  const [connectionsMax = 0, forSuperusers = 0, reserved = 0, databaseLimit = -1, others = 0] =
    row.map(Number);
  const room = { connectionsMax, reserved: forSuperusers + reserved, databaseLimit, others };
  const wanted = serversWanted(pooled, examination);
  return [...checkServerRoom(room, wanted, examination), ...checkDatabaseRoom(room, wanted)];
}

function checkServerRoom(
  { connectionsMax, reserved, others }: Room,
  wanted: number,
  { tenant }: Examination,
): readonly Finding[] {
  const findings = new Findings(
    "connection limits",
    "the servers that the tenant's pools may have against max_connections",
  );
  const usable = connectionsMax - reserved;
  const each = tenant.require_user
    ? ""
    : ` (and ${tenant.default_pool_size} for each further role that auth_query lets in)`;
  const found = `up to ${wanted} servers${each}; max_connections is ${connectionsMax}, ${reserved} of them reserved, and ${others} are taken by others now`;
  if (wanted > usable)
    return [
      findings.problem(
        found,
        `Lower the pool sizes, or set max_server_connections to ${Math.max(usable - others, 1)} or less; or raise max_connections of PostgreSQL.`,
      ),
    ];
  if (wanted + others > usable)
    return [
      findings.warning(
        `${found}: not enough if all are busy at a time`,
        `Set max_server_connections to ${Math.max(usable - others, 1)} or less, or raise max_connections of PostgreSQL.`,
      ),
    ];
  return [findings.ok(found)];
}

function checkDatabaseRoom({ databaseLimit }: Room, wanted: number): readonly Finding[] {
  if (databaseLimit < 0 || wanted <= databaseLimit) return [];
  const findings = new Findings("connection limits", "the database's own CONNECTION LIMIT");
  return [
    findings.problem(
      `the limit is ${databaseLimit}, and the tenant's pools may have ${wanted} servers`,
      `Set max_server_connections to ${databaseLimit} or less, or ALTER DATABASE … CONNECTION LIMIT ${wanted}.`,
    ),
  ];
}
