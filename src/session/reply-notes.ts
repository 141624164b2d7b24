/**
 * What happens to names and statements when a reply comes, or when it never will: the other half of
 * the optimistic bookkeeping of {@link ClientStatements} and {@link ServerStatements}.
 */

import { SQLSTATE } from "../base/sqlstate.ts";
import { writeErrorResponse } from "../wire/backend/error-response.ts";
import { ByteWriter } from "../wire/byte-writer.ts";
import type { ClientState } from "./client-state.ts";
import { StatementChange } from "./client-statements.ts";
import { EXPECTED, type ExpectedKind, type ExpectedNote, UNNAMED } from "./expected-reply.ts";
import type { ServerState } from "./server-state.ts";
import { Statement } from "./statement.ts";

/** Whether the reply answers a message of ours: the client never sees it. */
export function isOwn(kind: ExpectedKind): boolean {
  switch (kind) {
    case EXPECTED.ownQuery:
    case EXPECTED.ownSync:
    case EXPECTED.ownParse:
    case EXPECTED.ownParseUnnamed:
    case EXPECTED.ownClose:
      return true;
    default:
      return false;
  }
}

/** The oldest reply came, or is sent by us now: what its message asked for holds. */
export function confirmHead(state: ServerState, client: ClientState | null): void {
  const note = state.expected.headNote;
  switch (state.expected.head) {
    case EXPECTED.parseUnnamed:
      if (client !== null) client.unnamedParse = note instanceof Uint8Array ? note : null;
      state.unnamedInStep = true;
      return;
    case EXPECTED.ownParseUnnamed:
      state.unnamedInStep = true;
      return;
    case EXPECTED.parseProbe:
      state.unnamedInStep = false;
      return;
    case EXPECTED.close:
      if (note === UNNAMED) forgetUnnamed(state, client);
      return;
    case EXPECTED.closeKnown:
      if (note instanceof StatementChange) note.names.confirmClose(note);
      return;
    case EXPECTED.ownClose:
      if (note instanceof Statement) state.statements.confirmClose(note);
      return;
    default:
      return;
  }
}

/** The oldest reply is an error instead: what PostgreSQL dropped before it refused the message. */
export function failHead(state: ServerState, client: ClientState | null): void {
  switch (state.expected.head) {
    case EXPECTED.parseUnnamed:
      return forgetUnnamed(state, client);
    case EXPECTED.ownParseUnnamed:
    case EXPECTED.parseProbe:
    case EXPECTED.refused:
      state.unnamedInStep = false;
      return;
    default:
  }
}

/** The server dropped its unnamed statement: a Query, a Close or a failed Parse does that. */
export function forgetUnnamed(state: ServerState, client: ClientState | null): void {
  if (client !== null) client.unnamedParse = null;
  state.unnamedInStep = true;
}

/**
 * The oldest reply will never come, because its message failed, nor will those behind it up to a Sync,
 * because theirs are skipped: takes back what was assumed of them, the latest first.
 */
export function undoToSync(state: ServerState): void {
  const { expected } = state;
  let count = 0;
  while (count < expected.size && !isSync(expected.kindAt(count))) count += 1;
  undoReplies(state, count);
}

/** The server is gone, and so is all that it owed. */
export function undoAll(state: ServerState): void {
  undoReplies(state, state.expected.size);
}

function undoReplies(state: ServerState, count: number): void {
  const { expected } = state;
  for (let index = count - 1; index >= 0; index -= 1)
    undoReply(state, expected.kindAt(index), expected.noteAt(index));
  for (let index = 0; index < count; index += 1) expected.shift();
}

function isSync(kind: ExpectedKind): boolean {
  return kind === EXPECTED.sync || kind === EXPECTED.ownSync;
}

function undoReply(state: ServerState, kind: ExpectedKind, note: ExpectedNote): void {
  switch (kind) {
    case EXPECTED.parse:
      if (!(note instanceof StatementChange)) return;
      state.statements.remove(note.statement);
      note.names.undoParse(note);
      return;
    case EXPECTED.parseKnown:
    case EXPECTED.parseProbe:
      if (note instanceof StatementChange) note.names.undoParse(note);
      return;
    case EXPECTED.closeKnown:
      if (note instanceof StatementChange) note.names.undoClose(note);
      return;
    case EXPECTED.ownParse:
      if (note instanceof Statement) state.statements.remove(note);
      return;
    case EXPECTED.ownClose:
      if (note instanceof Statement) state.statements.undoClose(note);
      return;
    default:
      return;
  }
}

/** PostgreSQL's error for a name in use, in the client's own name. */
export function duplicateStatementError(name: string): Uint8Array {
  const writer = new ByteWriter();
  writeErrorResponse(writer, {
    severity: "ERROR",
    sqlstate: SQLSTATE.duplicate_prepared_statement,
    message: `prepared statement "${name}" already exists`,
  });
  return writer.take();
}
