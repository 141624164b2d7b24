/**
 * A client's named statements, written down for who goes on with the client elsewhere: texts, and what each looks like
 * as far as the client may know. There they are as statements after a change of tables: before one is used, a server
 * has said what it looks like by then, and it serves the client if that is what the client knows.
 *
 * Left out: statements that mean something by what else the session was when they were parsed, under settings that
 * have changed since, or in a transaction that had changed some. A client that has one of these is not written down.
 */

import type { ClientState } from "../client-state.ts";
import { StatementShape } from "./statement-shape.ts";

/** One name, and what it stands for. */
export interface KeptStatement {
  readonly name: string;
  /** The body of its Parse behind the name: query, NUL, Int16 count, Int32 types. */
  readonly parseTail: Uint8Array;
  readonly shape: StatementShape;
}

/** Returns what the client's names stand for; null: not all of that can be written down. */
export function keptStatements(client: ClientState): readonly KeptStatement[] | null {
  if (!client.hasNames) return [];
  const kept: KeptStatement[] = [];
  for (const [name, statement] of client.statements.entries) {
    const { parseTail, shape } = statement;
    if (shape === null || !statement.isReadUnder(client.settings.literalSettings)) return null;
    kept.push({ name, parseTail, shape });
  }
  return kept;
}

/** Whether {@link keptStatements} returns them, without writing anything down. */
export function canKeepStatements(client: ClientState): boolean {
  if (!client.hasNames) return true;
  const { literalSettings } = client.settings;
  for (const [, statement] of client.statements.entries)
    if (statement.shape === null || !statement.isReadUnder(literalSettings)) return false;
  return true;
}

/**
 * Gives a client that has no names those that were kept of it.
 * @param parameters what it knows of its servers' parameters
 * @returns whether there was room for them
 */
export function restoreStatements(
  client: ClientState,
  kept: readonly KeptStatement[],
  parameters: ReadonlyMap<string, string>,
): boolean {
  return kept.every(({ name, parseTail, shape }) =>
    client.statements.restore(name, parseTail, shape, client.settings.literalSettings, parameters),
  );
}

/**
 * As the JSON of a ticket has one: name, text and types, parameters, columns. Bytes of text are characters of Latin-1;
 * those of a shape, of which most are 0 and would take six characters each, are in Base64.
 */
export type StatementFields = readonly [string, string, string, string | null];

/** Returns what {@link decodeStatements} makes the same of. */
export function encodeStatements(kept: readonly KeptStatement[]): readonly StatementFields[] {
  return kept.map(({ name, parseTail, shape: { parameters, columns } }) => [
    name,
    inJSON(parseTail, TEXT),
    inJSON(parameters, BINARY),
    columns === null ? null : inJSON(columns, BINARY),
  ]);
}

/** Returns null where they are none. */
export function decodeStatements(value: unknown): readonly KeptStatement[] | null {
  if (!Array.isArray(value)) return null;
  const kept: KeptStatement[] = [];
  for (const fields of value) {
    const statement = Array.isArray(fields) ? statementOf(fields) : null;
    if (statement === null) return null;
    kept.push(statement);
  }
  return kept;
}

function statementOf([name, text, parameters, columns]: readonly unknown[]): KeptStatement | null {
  const parseTail = bytesOf(text, TEXT);
  const parametersRead = bytesOf(parameters, BINARY);
  const columnsRead = bytesOf(columns, BINARY);
  if (typeof name !== "string" || name === "" || parametersRead === null) return null;
  if (parseTail?.includes(0) !== true || (columnsRead === null && columns !== null)) return null;
  return { name, parseTail, shape: new StatementShape(parametersRead, columnsRead) };
}

const TEXT = "latin1";
const BINARY = "base64";

function inJSON(bytes: Uint8Array, encoding: typeof TEXT | typeof BINARY): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString(encoding);
}

function bytesOf(text: unknown, encoding: typeof TEXT | typeof BINARY): Uint8Array | null {
  return typeof text === "string" ? new Uint8Array(Buffer.from(text, encoding)) : null;
}
