/**
 * What the cheap stand-in for PostgreSQL says: a login without a password, one row for `select 1`, and what a
 * pooler asks on its own account. Anything else is refused in words, so that no figure rests on it.
 */

import {
  authenticationOk,
  commandComplete,
  dataRow,
  readyForQueryIdle,
  rowDescription,
} from "../load/backend-messages.ts";
import { query } from "../load/frontend-messages.ts";

/** What PostgreSQL 18 tells of itself. */
const PARAMETERS = {
  server_version: "18.4",
  server_encoding: "UTF8",
  client_encoding: "UTF8",
  DateStyle: "ISO, MDY",
  IntervalStyle: "postgres",
  TimeZone: "UTC",
  integer_datetimes: "on",
  standard_conforming_strings: "on",
  in_hot_standby: "off",
  default_transaction_read_only: "off",
  is_superuser: "off",
  search_path: '"$user", public',
  scram_iterations: "4096",
};

/** The question of the benches, and its answer. */
export const SELECT_ONE = query("select 1");
export const SELECT_ONE_REPLY = Buffer.concat([
  rowDescription([{ name: "?column?", typeOid: 23, typeBytes: 4 }]),
  dataRow(["1"]),
  commandComplete("SELECT 1"),
  readyForQueryIdle(),
]);

/**
 * From AuthenticationOk to ReadyForQuery, for a StartupMessage with these parameters. All servers have the same
 * cancel key: nobody cancels here.
 */
export function loginReply(asked: ReadonlyMap<string, string>): Buffer {
  const reported = { ...PARAMETERS, application_name: asked.get("application_name") ?? "" };
  const statuses = Object.entries(reported).map(([name, value]) => parameterStatus(name, value));
  const key = Buffer.from([0x4b, 0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 1]);
  return Buffer.concat([authenticationOk(), ...statuses, key, readyForQueryIdle()]);
}

/** The answer to the empty Query by which a pooler tries a server. */
export const EMPTY_QUERY = query("");
export const EMPTY_QUERY_REPLY = Buffer.concat([
  Buffer.from([0x49, 0, 0, 0, 4]), // EmptyQueryResponse
  readyForQueryIdle(),
]);

/** ParameterStatus: `Byte1('S') Int32(length) String(name) String(value)` */
function parameterStatus(name: string, value: string): Buffer {
  const body = Buffer.from(`${name}\0${value}\0`);
  const header = Buffer.from([0x53, 0, 0, 0, 0]);
  header.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}
