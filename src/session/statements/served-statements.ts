/**
 * Which statement of a server serves a client's name: the one that the client knows, or, where tables have changed
 * since, its successor. Nobody reads rows by a description of before.
 */

import { FRONTEND } from "../../wire/message-type.ts";
import type { ClientState } from "../client-state.ts";
import type { HoldNotes } from "../relay/hold-notes.ts";
import type { ByteSink } from "../relay/run-writer.ts";
import type { ServerState } from "../server-state.ts";
import { literalSettings } from "../settings/session-settings.ts";
import { DoubtfulPortals } from "./doubtful-portals.ts";
import { ColumnsTold } from "./shape-notes.ts";
import type { Statement, StatementInterner } from "./statement.ts";
import { PREPARED, type Prepared, type StatementPreparation } from "./statement-preparation.ts";

/** No segment. */
const NONE = -1;

export class ServedStatements {
  /** Portals whose columns the client was not told. */
  readonly doubtful = new DoubtfulPortals();
  readonly #client: ClientState;
  readonly #interner: StatementInterner;
  readonly #preparation: StatementPreparation;
  readonly #notes: HoldNotes;
  /** The segment in which the client is told what {@link #toldName} has come to be. */
  #toldIn = NONE;
  #toldName = "";
  /** Keeps statements of this hold apart from those of others; 0: none had to be. */
  #privateKey = 0;

  constructor(
    client: ClientState,
    interner: StatementInterner,
    preparation: StatementPreparation,
    notes: HoldNotes,
  ) {
    this.#client = client;
    this.#interner = interner;
    this.#preparation = preparation;
    this.#notes = notes;
  }

  /** A server was taken. */
  beginHold(): void {
    this.#toldIn = NONE;
    this.doubtful.clear();
    this.#privateKey = 0;
  }

  /** In this segment the client is told what `name` has come to be. */
  noteTold(name: string, segment: number): void {
    this.#toldIn = segment;
    this.#toldName = name;
  }

  /** What the client has set in the transaction under way is known from the server's reports only. */
  readUnder(server: ServerState): string {
    const { settings } = this.#client;
    const { parameters } = server;
    const known = server.parametersChanged
      ? literalSettings((name) => parameters.get(name) ?? settings.entries.get(name.toLowerCase()))
      : settings.literalSettings;
    // Before version 18 servers don't report the search_path, and none reports the role.
    const unsure =
      server.settingsTouched || (server.knownSets.size > 0 && !parameters.has("search_path"));
    if (!unsure) return known;
    if (this.#privateKey === 0) this.#privateKey = this.#interner.privateKey();
    return `${known}\u0001${this.#privateKey}`;
  }

  /**
   * Sees to it that the server has what the client knows as `statement`: that one, or, where it is retired, its
   * successor. Null: wait first, to learn what it looks like.
   */
  prepare(
    name: string,
    statement: Statement,
    segment: number,
    server: ServerState,
    sink: ByteSink,
  ): Statement | null {
    if (statement.retired) return this.#prepareSuccessor(name, statement, segment, server, sink);
    const prepared = this.#preparation.ensure(statement, server, sink);
    return this.#isReady(prepared, segment, server) ? statement : null;
  }

  /**
   * Returns the description of a statement that returns no rows, where the server lacks it; null: the server is to be
   * asked. PostgreSQL itself looks at no table for it, and tells it in a failed transaction, too. But where tables have
   * changed, the types of its parameters may be others, which a client has to be told of to go on.
   * Source: exec_describe_statement_message in PostgreSQL's src/backend/tcop/postgres.c.
   */
  describeWithout(server: ServerState, statement: Statement): Uint8Array | null {
    const { shape, retired } = statement;
    if (shape === null || server.retry.parametersTold) return null;
    const isForUs = retired ? shape.empty : !server.statements.has(statement);
    return isForUs ? shape.describeWithoutRows() : null;
  }

  /** What looks as the client knows it takes the name over; what does not, once the client has been told. */
  #prepareSuccessor(
    name: string,
    statement: Statement,
    segment: number,
    server: ServerState,
    sink: ByteSink,
  ): Statement | null {
    const { parseTail } = statement;
    const successor = this.#interner.intern(
      parseTail,
      0,
      parseTail.length,
      this.readUnder(server),
      server.parameters,
    );
    const prepared = this.#preparation.ensureKnown(successor, server, sink);
    const ready = this.#isReady(prepared, segment, server);
    if (ready && sameShape(statement, successor))
      this.#client.statements.succeed(name, statement, successor);
    this.#interner.release(successor);
    return ready ? successor : null;
  }

  /**
   * Whether a client that knows `known` may bind `used`. Columns that it does not know it may bind, but not
   * read, until it has been told them. Parameters that it does not know it has encoded as others.
   */
  mayBind(
    name: string,
    known: Statement,
    used: Statement,
    bytes: Uint8Array,
    start: number,
    end: number,
    messageEnd: number,
    segment: number,
  ): boolean {
    this.doubtful.forget(bytes, start, end);
    if (used === known || sameShape(known, used)) return true;
    if (!sameParameters(known, used) || this.doubtful.full) return false;
    if (this.#toldIn === segment && this.#toldName === name) return true;
    // Where it is plain that no Describe comes, PostgreSQL's own place for the error is this one.
    const next = bytes[messageEnd];
    if (next !== undefined && next !== FRONTEND.Describe) return false;
    const told = new ColumnsTold(this.#client.statements, name, known, used);
    this.doubtful.add(told, bytes, start, end);
    return true;
  }

  #isReady(prepared: Prepared, segment: number, server: ServerState): boolean {
    if (prepared !== PREPARED.before) this.#notes.noteChange(segment);
    if (prepared !== PREPARED.asked) return true;
    server.segmentOpen = true;
    return false;
  }
}

/** Whether who knows one of the two can use the other. What nobody has described, nobody knows. */
export function sameShape(known: Statement, used: Statement): boolean {
  return known.shape === null || used.shape === null || known.shape.equals(used.shape);
}

export function sameParameters(known: Statement, used: Statement): boolean {
  return known.shape === null || used.shape?.hasParametersOf(known.shape) === true;
}
