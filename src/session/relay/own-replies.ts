/**
 * Replies to what the pooler asks a server of its own: a Query, settings in front of the client's message, the shape
 * of a statement. Their client sees none of them.
 */

import { assert } from "../../base/assert.ts";
import { BACKEND } from "../../wire/message-type.ts";
import { ROWS_TOLD, type ServerState } from "../server-state.ts";
import { ShapeQuestion } from "../statements/shape-notes.ts";
import { columnsIn, parametersIn } from "../statements/statement-shape.ts";
import type { BackendRelayEvents } from "./backend-relay-events.ts";
import { EXPECTED, type ExpectedKind } from "./expected-reply.ts";

export class OwnReplies {
  readonly #state: ServerState;
  readonly #events: BackendRelayEvents;

  constructor(state: ServerState, events: BackendRelayEvents) {
    this.#state = state;
    this.#events = events;
  }

  /**
   * Reads a reply, whole in `bytes[start, end)`: any but ErrorResponse and ReadyForQuery, and what comes unasked.
   * Returns whether it is one to `head`, which is a question of ours; if not, nothing was done.
   */
  accepts(
    type: number,
    head: ExpectedKind,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): boolean {
    switch (head) {
      case EXPECTED.ownQuery:
        return this.#ofQuery(type, bytes, start, end);
      case EXPECTED.settings:
        return this.#ofSettings(type);
      case EXPECTED.ownDescribe:
        return this.#ofDescribe(type, bytes, start, end);
      default:
        return false;
    }
  }

  #ofQuery(type: number, bytes: Uint8Array, start: number, end: number): boolean {
    switch (type) {
      case BACKEND.DataRow:
        this.#events.onOwnRows(bytes, start, end);
        return true;
      case BACKEND.RowDescription:
      case BACKEND.NoData:
        this.#state.rowsTold = type === BACKEND.NoData ? ROWS_TOLD.none : ROWS_TOLD.some;
        return true;
      case BACKEND.CommandComplete:
      case BACKEND.EmptyQueryResponse:
        return true;
      default:
        return false;
    }
  }

  #ofSettings(type: number): boolean {
    switch (type) {
      case BACKEND.CommandComplete:
        if (this.#state.settingsStatementDone()) this.#state.expected.shift();
        return true;
      case BACKEND.ParseComplete:
      case BACKEND.BindComplete:
      case BACKEND.DataRow:
        return true;
      default:
        return false;
    }
  }

  /** What a statement looks like that was prepared on this server. */
  #ofDescribe(type: number, bytes: Uint8Array, start: number, end: number): boolean {
    const question = this.#state.expected.headNote;
    assert(question instanceof ShapeQuestion, "it is known which statement was described");
    if (type === BACKEND.ParameterDescription) {
      question.parameters = parametersIn(bytes, start, end);
      return true;
    }
    if (type !== BACKEND.RowDescription && type !== BACKEND.NoData) return false;
    const columns = type === BACKEND.NoData ? null : columnsIn(bytes, start, end);
    const shape = question.shapeWith(columns);
    if (shape === null) return false;
    this.#state.statements.learnShape(question.statement, shape);
    this.#state.expected.shift();
    return true;
  }
}
