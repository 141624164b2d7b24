/**
 * What a completed command may have left on its server, told by its tag: PostgreSQL is the judge of
 * what ran, so no SQL is read for this.
 * Source: src/include/tcop/cmdtaglist.h of PostgreSQL.
 */

import { PIN } from "../../sql/effects.ts";
import { HEADER_BYTES } from "../../wire/limits.ts";
import type { ClientState } from "../client-state.ts";
import { EXPECTED } from "../relay/expected-reply.ts";
import { forgetAllStatements } from "../relay/reply-notes.ts";
import { ROWS_TOLD, type ServerState } from "../server-state.ts";
import { SetNote } from "../settings/set-note.ts";
import { ALL_PINS } from "./pin-reasons.ts";

/** CommandComplete messages above this size carry none of the tags below, and are not read. */
export const COMMAND_TAG_BYTES_MAX = 32;

/** Byte1('C') Int32 length, tag, NUL. */
const OVERHEAD_BYTES = 6;

const SETTINGS_TAGS = tags("SET", "RESET");
const DEALLOCATE_TAGS = tags("DEALLOCATE");
const FORGETTING_TAGS = tags("DISCARD ALL", "DEALLOCATE ALL");
/** Whose objects can be in `pg_temp`. */
const TEMPORARY_TAGS = tags(
  "CREATE TABLE",
  "CREATE TABLE AS",
  "CREATE VIEW",
  "CREATE SEQUENCE",
  "CREATE FUNCTION",
  "CREATE PROCEDURE",
  "CREATE AGGREGATE",
  "CREATE OPERATOR",
  "CREATE TYPE",
  "CREATE DOMAIN",
  "CREATE FOREIGN TABLE",
  "CREATE COLLATION",
  "CREATE CONVERSION",
);
/** What may do anything that a command can, and says nothing of it. */
const CODE_TAGS = tags("DO", "CALL");
/** What can change the columns that a statement returns, so that PostgreSQL refuses it from then on. */
const RESHAPING_TAG_STARTS = ["ALTER ", "DROP ", "CREATE VIEW"].map((start) =>
  new TextEncoder().encode(start),
);
const CREATE_TAG_START = new TextEncoder().encode("CREATE ");
const SELECT_TAG_START = new TextEncoder().encode("SELECT ");
const SELECT_NO_ROWS_TAGS = tags("SELECT 0");
const LISTEN_TAGS = tags("LISTEN");
const CURSOR_TAGS = tags("DECLARE CURSOR");
const PREPARE_TAGS = tags("PREPARE");
/** What may end a reason for which a client keeps its server. A DROP does, too. */
const RELEASING_TAGS = tags(
  "DISCARD TEMP",
  "DISCARD ALL",
  "CLOSE CURSOR",
  "CLOSE CURSOR ALL",
  "UNLISTEN",
);

/** What a command may have left behind, as bits of {@link ServerState.residue}. */
const RESIDUE = { prepared: 1, doubt: 2, lost: 4 } as const;

/** Returns the SQL that takes away what the bits name; empty where there is nothing. */
export function residueCleanup(residue: number): string {
  const statements: string[] = [];
  if (forgetsStatements(residue)) statements.push("DEALLOCATE ALL");
  // Any command shows whether the server takes commands: one that does not is ended.
  if (statements.length === 0 && residue !== 0) return "SELECT 1";
  return statements.join(";");
}

/** Whether the cleanup of these bits makes the server forget the statements that we prepared, too. */
export function forgetsStatements(residue: number): boolean {
  return (residue & (RESIDUE.prepared | RESIDUE.lost)) !== 0;
}

/** Whether the server may refuse the next command, and may not have said yet what it reports. */
export function isDoubtful(residue: number): boolean {
  return (residue & RESIDUE.doubt) !== 0;
}

/** Whether PREPARE of SQL went through. */
export function isPreparedBySql(residue: number): boolean {
  return (residue & RESIDUE.prepared) !== 0;
}

/** What SQL has prepared is gone from the server. */
export function noteOwnStatementsGone(state: ServerState): void {
  state.residue &= ~RESIDUE.prepared;
}

/** Notes the effects of the CommandComplete in `bytes[start, end)`. */
export function afterCommand(
  bytes: Uint8Array,
  start: number,
  end: number,
  state: ServerState,
  client: ClientState | null,
): void {
  const length = end - start - OVERHEAD_BYTES;
  const first = bytes[start + 5] ?? 0;
  switch (first) {
    case 0x53: // SET, and SELECT, the one that counts: it leaves after the comparison of lengths.
    case 0x52: // RESET
      if (matches(SETTINGS_TAGS, first, length, bytes, start)) onSet(first === 0x52, state);
      else if (state.rowsTold !== ROWS_TOLD.some && madeTable(bytes, start, length, state))
        state.mayPin |= PIN.temporary;
      return;
    case 0x43: // CREATE …, CLOSE CURSOR, CALL
      if (matches(TEMPORARY_TAGS, first, length, bytes, start)) state.mayPin |= PIN.temporary;
      else if (matches(RELEASING_TAGS, first, length, bytes, start)) state.mayUnpin = true;
      else if (matches(CODE_TAGS, first, length, bytes, start)) onCode(state);
      if (reshapes(bytes, start) || hides(bytes, start, state)) state.statements.retireAll();
      return;
    case 0x41: // ALTER …
      if (reshapes(bytes, start)) state.statements.retireAll();
      return;
    case 0x4c: // LISTEN
      if (matches(LISTEN_TAGS, first, length, bytes, start)) state.mayPin |= PIN.listen;
      return;
    case 0x55: // UNLISTEN
      if (matches(RELEASING_TAGS, first, length, bytes, start)) state.mayUnpin = true;
      return;
    case 0x50: // PREPARE
      if (matches(PREPARE_TAGS, first, length, bytes, start)) state.residue |= RESIDUE.prepared;
      return;
    case 0x44: // DECLARE CURSOR, DISCARD ALL, DEALLOCATE ALL, DROP …, DO
      onCommandInD(first, length, bytes, start, state, client);
      return;
    default:
  }
}

function onCode(state: ServerState): void {
  state.mayPin |= ALL_PINS;
  state.mayUnpin = true;
}

/** The commands that begin with a D. */
function onCommandInD(
  first: number,
  length: number,
  bytes: Uint8Array,
  start: number,
  state: ServerState,
  client: ClientState | null,
): void {
  if (matches(CODE_TAGS, first, length, bytes, start)) onCode(state);
  else if (reshapes(bytes, start)) {
    state.statements.retireAll();
    state.mayUnpin = true;
  } else if (matches(DEALLOCATE_TAGS, first, length, bytes, start)) onDeallocate(state, client);
  else if (matches(CURSOR_TAGS, first, length, bytes, start)) state.mayPin |= PIN.holdableCursor;
  else {
    if (matches(RELEASING_TAGS, first, length, bytes, start)) state.mayUnpin = true;
    if (matches(FORGETTING_TAGS, first, length, bytes, start)) onForget(length, state, client);
  }
}

/**
 * A Query or FunctionCall goes to a server that waits for a Sync. Behind that Sync, PostgreSQL 18 says that it
 * is idle, and refuses the next command: "StartTransactionCommand: unexpected state STARTED".
 */
export function noteRequestInSegment(state: ServerState): void {
  state.residue |= RESIDUE.doubt;
}

/**
 * A FunctionCall goes to the server: which function, it says by a number, and its reply has no tag. Functions for
 * large objects are usual, those for advisory locks possible.
 */
export function noteFunctionCall(state: ServerState): void {
  if (state.segmentOpen) noteRequestInSegment(state);
  state.mayPin |= PIN.advisoryLock;
  state.mayUnpin = true;
}

/** Statements of ours are not where they should be: the next clean-up takes them all away. */
export function noteStatementsLost(state: ServerState): void {
  state.residue |= RESIDUE.lost;
}

/**
 * Whether a SELECT without rows for the client was CREATE TABLE AS or SELECT INTO, which have its tag.
 * Where nothing was told, because it was not described, `SELECT 0` is taken for a query.
 */
function madeTable(
  bytes: Uint8Array,
  start: number,
  length: number,
  { rowsTold }: ServerState,
): boolean {
  if (length <= SELECT_TAG_START.length || !isAt(SELECT_TAG_START, bytes, start + 5)) return false;
  return rowsTold === ROWS_TOLD.none || !matches(SELECT_NO_ROWS_TAGS, 0x53, length, bytes, start);
}

/** What the text of a SET or RESET says need not be asked for, outside a transaction. */
function onSet(isReset: boolean, state: ServerState): void {
  const note = state.expected.head === EXPECTED.query ? state.expected.headNote : null;
  if (!(note instanceof SetNote) || note.command === null) {
    state.settingsTouched = true;
    if (isReset) state.roleReset = true;
  } else if (!note.complete && !note.command.local && !state.noteSet(note.command))
    state.settingsTouched = true;
}

/** A Query that was told to deallocate a client's name has done so. */
function onDeallocate(state: ServerState, client: ClientState | null): void {
  const name = state.expected.headNote;
  if (state.expected.head === EXPECTED.query && typeof name === "string")
    client?.statements.deallocate(name);
}

function onForget(length: number, state: ServerState, client: ClientState | null): void {
  forgetAllStatements(state, client);
  if (length !== "DISCARD ALL".length) return;
  state.residue = 0;
  // Back to PostgreSQL's defaults, not to what the client asked for when it connected.
  state.settingsTouched = true;
  state.roleReset = true;
}

/**
 * Whether something new may stand in front of what a name meant, which PostgreSQL asks only when a statement is prepared.
 * What is temporary does so for its own client alone.
 */
function hides(bytes: Uint8Array, start: number, state: ServerState): boolean {
  return state.creates && isAt(CREATE_TAG_START, bytes, start + HEADER_BYTES);
}

function reshapes(bytes: Uint8Array, start: number): boolean {
  return RESHAPING_TAG_STARTS.some((tag) => isAt(tag, bytes, start + HEADER_BYTES));
}

function tags(...names: readonly string[]): readonly Uint8Array[] {
  return names.map((name) => new TextEncoder().encode(name));
}

function matches(
  candidates: readonly Uint8Array[],
  first: number,
  length: number,
  bytes: Uint8Array,
  start: number,
): boolean {
  for (const tag of candidates) {
    if (tag[0] === first && tag.length === length && isAt(tag, bytes, start + 5)) return true;
  }
  return false;
}

function isAt(tag: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let index = 0; index < tag.length; index += 1) {
    if (tag[index] !== bytes[at + index]) return false;
  }
  return true;
}
