/**
 * The body that ErrorResponse and NoticeResponse share: for each field `Byte1(code) String(value)`, then `Byte1(0)`.
 * Source: https://www.postgresql.org/docs/current/protocol-error-fields.html
 */

import type { ByteWriter } from "../byte-writer.ts";
import { ERROR_RESPONSE_READ_BYTES_MAX, HEADER_BYTES } from "../limits.ts";
import { MessageReader } from "../message-reader.ts";
import { ProtocolError } from "../protocol-error.ts";

/** The fields by the docs' names, in the order in which PostgreSQL sends them. */
const FIELDS = [
  ["severityLocalized", 0x53], // S
  ["severity", 0x56], // V
  ["sqlstate", 0x43], // C
  ["message", 0x4d], // M
  ["detail", 0x44], // D
  ["hint", 0x48], // H
  ["position", 0x50], // P
  ["internalPosition", 0x70], // p
  ["internalQuery", 0x71], // q
  ["where", 0x57], // W
  ["schemaName", 0x73], // s
  ["tableName", 0x74], // t
  ["columnName", 0x63], // c
  ["dataTypeName", 0x64], // d
  ["constraintName", 0x6e], // n
  ["file", 0x46], // F
  ["line", 0x4c], // L
  ["routine", 0x52], // R
] as const;

type ErrorFieldName = (typeof FIELDS)[number][0];

const NAME_OF_CODE: ReadonlyMap<number, ErrorFieldName> = new Map(
  FIELDS.map(([name, code]) => [code, name]),
);

/**
 * An error's or notice's fields as they were received: any of them may be missing, the SQLSTATE too
 * (PgBouncer's CVE-2026-6666 was a server that sent none).
 */
export type ErrorFields = { readonly [name in ErrorFieldName]?: string | undefined };

/** Fields to send: the protocol demands these four, of which `severityLocalized` follows from `severity`. */
export type WritableErrorFields = ErrorFields & {
  /** ERROR, FATAL, PANIC; in a notice WARNING, NOTICE, DEBUG, INFO, LOG. */
  readonly severity: string;
  readonly sqlstate: string;
  readonly message: string;
};

/**
 * Appends a message of this type with the fields that are given. A zero byte inside a field becomes U+FFFD:
 * telling of an error must not fail.
 */
export function writeErrorFields(
  writer: ByteWriter,
  type: number,
  fields: WritableErrorFields,
): void {
  writer.begin(type);
  for (const [name, code] of FIELDS) {
    const value = name === "severityLocalized" ? (fields[name] ?? fields.severity) : fields[name];
    if (value === undefined) continue;
    writer.byte(code);
    writer.cstring(value.replaceAll("\0", "\uFFFD"));
  }
  writer.byte(0);
  writer.end();
}

/**
 * Returns the fields of the message in `[start, end)`. Fields of unknown codes are skipped, as the docs
 * ask for; of a field that comes twice the last counts, as in libpq.
 * @throws {ProtocolError} when a field or the list has no end, or the message is longer than
 * {@link ERROR_RESPONSE_READ_BYTES_MAX}.
 */
export function readErrorFields(bytes: Uint8Array, start: number, end: number): ErrorFields {
  if (end - start > ERROR_RESPONSE_READ_BYTES_MAX)
    throw new ProtocolError("invalid message length");
  const reader = new MessageReader(bytes, start + HEADER_BYTES, end);
  const fields: { -readonly [name in ErrorFieldName]?: string } = {};
  for (let code = reader.byte(); code !== 0; code = reader.byte()) {
    const value = reader.cstring();
    const name = NAME_OF_CODE.get(code);
    if (name !== undefined) fields[name] = value;
  }
  reader.finish();
  return fields;
}
