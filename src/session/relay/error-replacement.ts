/**
 * The errors that a client hears in other words than its server's: those about statements, which have
 * other names there, and those that the server was made to send so that ours stands in its place.
 */

import { SQLSTATE } from "../../base/sqlstate.ts";
import type { ErrorFields } from "../../wire/backend/error-fields.ts";
import type { ClientState } from "../client-state.ts";
import { noteStatementsLost } from "../effects/command-effects.ts";
import type { ServerState } from "../server-state.ts";
import { ColumnsTold } from "../statements/shape-notes.ts";
import {
  CHANGED_COLUMNS_ROUTINE,
  changedColumnsError,
  errorInClientsWords,
  RESULT_FORMATS_ROUTINE,
  unknownStatementError,
} from "../statements/statement-errors.ts";
import type { CopyQuestion } from "./copy-question.ts";
import { EXPECTED, type ExpectedNote } from "./expected-reply.ts";

/**
 * Returns the ErrorResponse that the client gets for the oldest reply instead of the server's, or null:
 * the server's own. Where the error shows that the server lacks statements of ours, that is noted.
 * @param fields null where the server's was too long to be read
 */
export function errorReplacement(
  state: ServerState,
  client: ClientState | null,
  fields: ErrorFields | null,
): Uint8Array | null {
  if (fields?.sqlstate === SQLSTATE.query_canceled && state.cancelError !== null)
    return state.cancelError;
  if (state.copyQuestion !== null) return answerInCopy(state, state.copyQuestion, fields);
  const note = state.expected.headNote;
  // Its columns will not fit whoever prepares it anew either.
  if (isOfChangedTable(state, fields)) state.statements.retireAll();
  switch (state.expected.head) {
    case EXPECTED.refused:
    case EXPECTED.query:
      return note instanceof Uint8Array ? note : null;
    case EXPECTED.bind:
    case EXPECTED.describeStatement:
      return fields === null ? null : nameError(state, client, note, fields);
    case EXPECTED.parse:
    case EXPECTED.ownParse:
      if (fields?.sqlstate === SQLSTATE.duplicate_prepared_statement) noteStatementsLost(state);
      return null;
    default:
      return null;
  }
}

/** Whether the oldest reply is an error of a statement that a table's change has made unfit. */
export function isOfChangedTable(state: ServerState, fields: ErrorFields | null): boolean {
  if (fields?.sqlstate !== SQLSTATE.feature_not_supported) return false;
  if (fields.routine !== CHANGED_COLUMNS_ROUTINE) return false;
  switch (state.expected.head) {
    case EXPECTED.bind:
    case EXPECTED.describeStatement:
    case EXPECTED.describeRows: // PostgreSQL has told the parameters by then
      return typeof state.expected.headNote === "string";
    default:
      return false;
  }
}

function answerInCopy(
  state: ServerState,
  question: CopyQuestion,
  fields: ErrorFields | null,
): Uint8Array | null {
  state.copyQuestion = null;
  return question.answer(fields);
}

/** The error of a Bind or Describe, told in the name that the client uses. */
function nameError(
  state: ServerState,
  client: ClientState | null,
  note: ExpectedNote,
  fields: ErrorFields,
): Uint8Array | null {
  const unknown = fields.sqlstate === SQLSTATE.invalid_sql_statement_name;
  if (note instanceof Uint8Array) return unknown ? note : null;
  const name = note instanceof ColumnsTold ? note.name : note;
  if (typeof name !== "string") return null;
  if (bindsOldColumns(client, name, fields)) return changedColumnsError();
  if (!unknown) return errorInClientsWords(fields, name);
  noteStatementsLost(state);
  return unknownStatementError(name);
}

/**
 * Whether a Bind names formats for other columns than there are because tables have changed: the statement was
 * prepared anew on this server, and PostgreSQL can't know that the client was told of others. On a direct connection
 * it does.
 */
function bindsOldColumns(client: ClientState | null, name: string, fields: ErrorFields): boolean {
  if (fields.sqlstate !== SQLSTATE.protocol_violation) return false;
  if (fields.routine !== RESULT_FORMATS_ROUTINE) return false;
  return client?.statements.get(name)?.retired === true;
}
