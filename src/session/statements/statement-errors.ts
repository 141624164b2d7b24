/**
 * Refusals of prepared statements: for their memory, and PostgreSQL's own for their names, told in the
 * names that the client uses.
 */

import { PoolerError } from "../../base/pooler-error.ts";
import { SQLSTATE } from "../../base/sqlstate.ts";
import type { ErrorFields } from "../../wire/backend/error-fields.ts";
import { writeErrorResponse } from "../../wire/backend/error-response.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import { STATEMENT_NAME_PREFIX } from "./statement.ts";

/** Where PostgreSQL finds that columns have changed; its message is in the server's language. */
export const CHANGED_COLUMNS_ROUTINE = "RevalidateCachedQuery";

/** Where it finds that a Bind names another number of result formats than there are columns. */
export const RESULT_FORMATS_ROUTINE = "PortalSetResultFormat";

/** A client names more statements than it may. */
export class TooManyStatementsError extends PoolerError {
  constructor(current: number, limit: number) {
    super({
      severity: "ERROR",
      sqlstate: SQLSTATE.configuration_limit_exceeded,
      message: "too many prepared statements",
      detail: `This connection has ${current} prepared statements; the limit is ${limit}.`,
      hint: "Close statements that are no longer needed, or raise MAX_CLIENT_PREPARED_STATEMENTS.",
    });
  }
}

/** A tenant's clients together name more, or longer, statements than they may. */
export class TenantStatementsError extends PoolerError {
  constructor(bytes: number, limit: number) {
    super({
      severity: "ERROR",
      sqlstate: SQLSTATE.configuration_limit_exceeded,
      message: "too many prepared statements",
      detail: `The prepared statements of all connections take ${bytes} bytes; the limit is ${limit}.`,
      hint: "Close statements that are no longer needed, pass values as parameters instead of writing them into the text, or raise MAX_TENANT_STATEMENT_MEMORY.",
    });
  }
}

/** The text of a named statement is longer than Carpool keeps. */
export class StatementTooLargeError extends PoolerError {
  constructor(bytes: number, limit: number) {
    super({
      severity: "ERROR",
      sqlstate: SQLSTATE.program_limit_exceeded,
      message: "prepared statement is too large",
      detail: `Its Parse message has ${bytes} bytes; the limit for a named statement is ${limit}.`,
      hint: "Use the unnamed statement for it, or a connection in session mode.",
    });
  }
}

/** Returns PostgreSQL's ErrorResponse for a name in use. */
export function duplicateStatementError(name: string): Uint8Array {
  return errorResponse(
    SQLSTATE.duplicate_prepared_statement,
    `prepared statement "${name}" already exists`,
  );
}

/** Returns PostgreSQL's ErrorResponse for a name that nobody gave. */
export function unknownStatementError(name: string): Uint8Array {
  return errorResponse(
    SQLSTATE.invalid_sql_statement_name,
    `prepared statement "${name}" does not exist`,
  );
}

/**
 * Returns PostgreSQL's ErrorResponse for a statement whose columns are not those of its Parse any more. By the
 * routine, pgjdbc and postgres.js know that they are to prepare it anew, and do.
 */
export function changedColumnsError(): Uint8Array {
  const message = "cached plan must not change result type";
  return errorResponse(SQLSTATE.feature_not_supported, message, CHANGED_COLUMNS_ROUTINE);
}

/**
 * Returns the server's error with the client's name of the statement in place of ours, or null where
 * ours is not in it.
 */
export function errorInClientsWords(fields: ErrorFields, name: string): Uint8Array | null {
  const { severity, sqlstate, message } = fields;
  if (severity === undefined || sqlstate === undefined || message === undefined) return null;
  if (!message.includes(QUOTED_PREFIX)) return null;
  const writer = new ByteWriter();
  const inWords = message.replaceAll(QUOTED_NAME, () => `"${name}"`);
  writeErrorResponse(writer, { ...fields, severity, sqlstate, message: inWords });
  return writer.take();
}

const QUOTED_PREFIX = `"${STATEMENT_NAME_PREFIX}`;
const QUOTED_NAME = new RegExp(`${QUOTED_PREFIX}[0-9a-z]+"`, "g");

function errorResponse(sqlstate: string, message: string, routine?: string): Uint8Array {
  const writer = new ByteWriter();
  writeErrorResponse(writer, { severity: "ERROR", sqlstate, message, routine });
  return writer.take();
}
