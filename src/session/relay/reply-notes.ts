/**
 * What happens to names and statements when a reply comes, or when it never will: the other half of
 * the optimistic bookkeeping of {@link ClientStatements} and {@link ServerStatements}.
 */

import type { ClientState } from "../client-state.ts";
import type { ServerState } from "../server-state.ts";
import { StatementChange } from "../statements/client-statements.ts";
import { PlacedName } from "../statements/placed-name.ts";
import { ColumnsTold } from "../statements/shape-notes.ts";
import { Statement } from "../statements/statement.ts";
import { EXPECTED, type ExpectedKind, type ExpectedNote, UNNAMED } from "./expected-reply.ts";

/** Whether the reply answers a message of ours: the client never sees it. */
export function isOwn(kind: ExpectedKind): boolean {
  switch (kind) {
    case EXPECTED.ownQuery:
    case EXPECTED.ownSync:
    case EXPECTED.ownParse:
    case EXPECTED.ownParseUnnamed:
    case EXPECTED.ownClose:
    case EXPECTED.settings:
    case EXPECTED.ownDescribe:
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
    case EXPECTED.close:
      if (note === UNNAMED) forgetUnnamed(state, client);
      return;
    case EXPECTED.describeRows:
      if (note instanceof ColumnsTold) note.confirm();
      return;
    case EXPECTED.closeKnown:
      if (note instanceof StatementChange) note.names.confirmClose(note);
      return;
    case EXPECTED.ownClose:
      state.copySyncs = 0;
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
function undoToSync(state: ServerState): void {
  const { expected } = state;
  let count = 0;
  let queries = 0;
  while (count < expected.size && !isSync(expected.kindAt(count))) {
    if (expected.kindAt(count) === EXPECTED.query) queries += 1;
    count += 1;
  }
  undoReplies(state, count);
  // A Sync of ours stands behind a Query that may be skipped, and is answered in its stead.
  if (queries > 0 && expected.head === EXPECTED.ownSync) expected.replaceHead(EXPECTED.sync);
}

/** The oldest reply is an error: nothing up to the next Sync is answered any more, which may be still to come. */
export function skipToSync(state: ServerState): void {
  undoToSync(state);
  state.copyingIn = false;
  state.skipping = state.expected.size === 0;
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
      else if (note instanceof PlacedName) note.undo();
      return;
    case EXPECTED.ownClose:
      if (note instanceof Statement) state.statements.undoClose(note);
      return;
    default:
      return;
  }
}

/**
 * The command that the oldest reply is for made the server forget all statements. What the client sent
 * behind it holds all the same.
 */
export function forgetAllStatements(state: ServerState, client: ClientState | null): void {
  const { expected } = state;
  const prepared = new Set<Statement>();
  const names = new Map<string, Statement>();
  for (let place = 1; place < expected.size; place += 1)
    keep(expected.kindAt(place), expected.noteAt(place), prepared, names);
  state.statements.forgetAllBut(prepared);
  client?.forgetStatements(names);
}

function keep(
  kind: ExpectedKind,
  note: ExpectedNote,
  prepared: Set<Statement>,
  names: Map<string, Statement>,
): void {
  if (note instanceof Statement) {
    if (kind === EXPECTED.ownParse) prepared.add(note);
    else if (kind === EXPECTED.ownClose) prepared.delete(note);
  } else if (note instanceof StatementChange) {
    if (kind === EXPECTED.closeKnown) {
      note.forgotten = true;
      names.delete(note.name);
      return;
    }
    names.set(note.name, note.statement);
    if (kind === EXPECTED.parse) prepared.add(note.statement);
  }
}
