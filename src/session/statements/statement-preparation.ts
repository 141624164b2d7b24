/**
 * Prepares statements on servers: makes room for them, sends their Parse, and asks what they look like. A
 * statement that clients know may have come to be another one since, by a change of tables that nobody told
 * us of; before a client binds it on a server that prepares it anew, that server has said what it looks like.
 */

import { TRANSACTION_STATUS } from "../../wire/backend/ready-for-query.ts";
import { FRONTEND } from "../../wire/message-type.ts";
import { EXPECTED } from "../relay/expected-reply.ts";
import type { ByteSink, RunWriter } from "../relay/run-writer.ts";
import type { ServerState } from "../server-state.ts";
import type { StatementChange } from "./client-statements.ts";
import { ShapeQuestion } from "./shape-notes.ts";
import type { Statement } from "./statement.ts";

/** What {@link StatementPreparation.ensure} found or did. */
export const PREPARED = {
  /** The server had it already. */
  before: 0,
  /** It is on its way, and can be bound. */
  now: 1,
  /** The server is asked what it looks like, which must be known before it is bound. */
  asked: 2,
} as const;

export type Prepared = (typeof PREPARED)[keyof typeof PREPARED];

export class StatementPreparation {
  readonly #out: RunWriter;

  constructor(out: RunWriter) {
    this.#out = out;
  }

  /** A Parse of the client's, of what the server lacks. */
  parse(change: StatementChange, server: ServerState, sink: ByteSink): void {
    const { statement } = change;
    const tail = statement.parseTail;
    this.#makeRoom(server, sink);
    this.sendParse(statement.name, tail, 0, tail.length, sink);
    server.statements.add(statement);
    server.expected.push(EXPECTED.parse, change);
    // In a failed transaction only that can be parsed which ends it.
    if (statement.shape?.empty !== true && server.status !== TRANSACTION_STATUS.Failed)
      this.#ask(statement, server, sink);
  }

  /** Sees to it that the server has the statement, as those know it who use it. */
  ensure(statement: Statement, server: ServerState, sink: ByteSink): Prepared {
    if (server.statements.touch(statement)) return PREPARED.before;
    const { shape } = statement;
    this.#makeRoom(server, sink);
    this.#sendKnownParse(statement, sink);
    server.statements.add(statement);
    server.expected.push(EXPECTED.ownParse, statement);
    // Without columns nothing is left that could differ: its parameters go along.
    if (shape !== null && shape.columns === null) return PREPARED.now;
    this.#ask(statement, server, sink);
    return shape === null ? PREPARED.now : PREPARED.asked;
  }

  /** As {@link ensure}, of a statement whose shape must be known, since the client knows another one. */
  ensureKnown(statement: Statement, server: ServerState, sink: ByteSink): Prepared {
    const prepared = this.ensure(statement, server, sink);
    if (statement.shape !== null) return prepared;
    // Whoever asked before may never get the answer.
    if (server.expected.size === 0) this.#ask(statement, server, sink);
    return PREPARED.asked;
  }

  sendParse(name: Uint8Array, tail: Uint8Array, start: number, end: number, sink: ByteSink): void {
    this.#out.insertHeader(FRONTEND.Parse, 4 + name.length + 1 + end - start, sink);
    this.#out.insert(name, 0, name.length, sink);
    this.#out.insert(NUL, 0, 1, sink);
    this.#out.insert(tail, start, end, sink);
  }

  /** Has the server forget its unnamed statement. */
  closeUnnamed(server: ServerState, sink: ByteSink): void {
    this.sendClose(NO_NAME, sink);
    server.expected.push(EXPECTED.ownClose, null);
  }

  sendClose(name: Uint8Array, sink: ByteSink): void {
    this.#sendOfStatement(FRONTEND.Close, name, sink);
  }

  /**
   * With the types of its parameters as they were found the first time: clients send their values in these.
   * PostgreSQL does the same when it plans anew.
   */
  #sendKnownParse({ name, parseTail, textEnd, shape }: Statement, sink: ByteSink): void {
    if (shape === null) return this.sendParse(name, parseTail, 0, parseTail.length, sink);
    const { parameters } = shape;
    this.#out.insertHeader(FRONTEND.Parse, 4 + name.length + 1 + textEnd + parameters.length, sink);
    this.#out.insert(name, 0, name.length, sink);
    this.#out.insert(NUL, 0, 1, sink);
    this.#out.insert(parseTail, 0, textEnd, sink);
    this.#out.insert(parameters, 0, parameters.length, sink);
  }

  #ask(statement: Statement, server: ServerState, sink: ByteSink): void {
    this.#sendOfStatement(FRONTEND.Describe, statement.name, sink);
    server.expected.push(EXPECTED.ownDescribe, new ShapeQuestion(statement));
  }

  #sendOfStatement(type: number, name: Uint8Array, sink: ByteSink): void {
    this.#out.insertHeader(type, 4 + 1 + name.length + 1, sink);
    this.#out.insert(OF_STATEMENT, 0, 1, sink);
    this.#out.insert(name, 0, name.length, sink);
    this.#out.insert(NUL, 0, 1, sink);
  }

  /** Closes as many as it takes: a transaction that used more than the limit left a surplus. */
  #makeRoom(server: ServerState, sink: ByteSink): void {
    const { statements } = server;
    for (let victim = statements.victim(); victim !== null; victim = statements.victim()) {
      this.sendClose(victim.name, sink);
      server.expected.push(EXPECTED.ownClose, victim);
      statements.close(victim);
    }
  }
}

const NO_NAME = new Uint8Array(0);
const NUL = Uint8Array.of(0);
/** Byte1('S'): a Close or Describe is of a statement, not of a portal. */
const OF_STATEMENT = Uint8Array.of(0x53);
