/**
 * What has become of the statements that a client's texts named while it had a server (own-names.ts): PostgreSQL is
 * asked when the hold is over, since PREPARE and DEALLOCATE hold whatever becomes of their transaction, and a text may
 * do several. What is there then is the client's, for its next transactions on any server; on this one, none stays.
 *
 * Left out: what a text that nobody could read has prepared, which goes with its hold.
 */

import { ByteWriter } from "../../wire/byte-writer.ts";
import { readText } from "../../wire/bytes.ts";
import type { ClientState } from "../client-state.ts";
import {
  isPreparedBySql,
  noteOwnStatementsGone,
  noteStatementsLost,
} from "../effects/command-effects.ts";
import { decodeSql } from "../effects/text-effects.ts";
import type { ServerState } from "../server-state.ts";
import { STATEMENT_NAME_PREFIX } from "./statement.ts";

/** Longer texts, and what comes when so much has been read, are not kept: the answer has a limit. */
const TEXT_BYTES_MAX = 65_536;
const TEXTS_BYTES_MAX = 262_144;

/**
 * Tells names, texts, types of parameters, and whether SQL prepared it, of what is not ours. In hexadecimal digits,
 * because they are in the client's encoding.
 */
export const READ_OWN_STATEMENTS: string =
  `SELECT ${hex("s.name")}, ` +
  `CASE WHEN pg_catalog.octet_length(s.statement) OPERATOR(pg_catalog.<=) ${TEXT_BYTES_MAX} ` +
  "AND pg_catalog.sum(pg_catalog.octet_length(s.statement)) OVER (ORDER BY s.prepare_time, s.name) " +
  `OPERATOR(pg_catalog.<=) ${TEXTS_BYTES_MAX} THEN ${hex("s.statement")} END, ` +
  "s.parameter_types::pg_catalog.oid[], s.from_sql FROM pg_catalog.pg_prepared_statements s " +
  `WHERE NOT pg_catalog.starts_with(s.name, '${STATEMENT_NAME_PREFIX}')`;

function hex(column: string): string {
  return `pg_catalog.encode(pg_catalog.convert_to(${column}, pg_catalog.pg_client_encoding()), 'hex')`;
}

/** Whether the server may have statements that are not ours, or a client's names may have changed there. */
export function mayHaveOwnStatements(server: ServerState): boolean {
  return server.ownNames.size > 0 || isPreparedBySql(server.residue);
}

/**
 * Makes what is there the client's, and its names what they are there.
 * @param rows of {@link READ_OWN_STATEMENTS}; null: it failed
 * @returns the SQL that takes them away from the server; empty: there are none
 */
export function adoptOwnStatements(
  rows: readonly (readonly (string | null)[])[] | null,
  server: ServerState,
  client: ClientState,
): string {
  noteOwnStatementsGone(server);
  if (rows === null) noteStatementsLost(server);
  const there = new Map((rows ?? []).map((row) => [textOf(row[0]), row]));
  for (const name of server.ownNames.keys()) keep(name, there.get(name), server, client);
  server.ownNames.clear();
  const names = [...there.keys()];
  if (names.every((name) => ASCII.test(name)))
    return names.map((name) => `DEALLOCATE "${name.replaceAll('"', '""')}"`).join(";");
  // Our queries are in ASCII, in whose letters such a name can't be said.
  noteStatementsLost(server);
  return "";
}

// oxlint-disable-next-line no-control-regex -- all of ASCII
const ASCII = /^[\x01-\x7f]*$/;

function keep(
  name: string,
  row: readonly (string | null)[] | undefined,
  server: ServerState,
  client: ClientState,
): void {
  const { statements } = client;
  if (row === undefined) return statements.deallocate(name);
  const [, text, types, fromSql] = row;
  const placed = server.ownNames.get(name);
  if (placed && fromSql === "f" && statements.get(name) === placed) return;
  const bytes = text ? Buffer.from(text, "hex") : null;
  const body = bytes !== null && fromSql === "t" ? bodyOf(bytes, name, client) : bytes;
  if (body === null) return statements.deallocate(name);
  statements.define(name, parseTail(body, types ?? ""), server.parameters);
}

/** Cuts the statement out of a text with a PREPARE; null where it can't be found. */
function bodyOf(bytes: Uint8Array, name: string, client: ClientState): Uint8Array | null {
  const sql = decodeSql(bytes, 0, bytes.length);
  const body = client.reader.preparedBody(sql, name);
  if (body === null) return null;
  const isUtf8 = readText(bytes, 0, bytes.length) === sql;
  return Buffer.from(body, isUtf8 ? "utf8" : "latin1");
}

function textOf(digits: string | null | undefined): string {
  const bytes = Buffer.from(digits ?? "", "hex");
  return readText(bytes, 0, bytes.length);
}

/** The body of a Parse behind the statement's name. @param types an array of OIDs as text */
function parseTail(text: Uint8Array, types: string): Uint8Array {
  const oids = types.match(/\d+/g) ?? [];
  const writer = new ByteWriter();
  writer.bytes(text);
  writer.byte(0);
  writer.int16(oids.length);
  for (const oid of oids) writer.int32(Number(oid) | 0);
  return writer.take();
}
