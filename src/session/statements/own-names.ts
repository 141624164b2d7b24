/**
 * Statements that SQL itself names: PREPARE, EXECUTE, DEALLOCATE, also inside EXPLAIN and CREATE TABLE AS. PostgreSQL
 * has one room of names for these and for the protocol's, so before such a text goes to a server, each of its names
 * means there what it means to the client: a statement that the client has is prepared under the client's own name,
 * in front; a name that it does not have is free.
 *
 * From then on the server is the judge of that name, until the client's hold ends: Bind, Describe, Parse and Close go
 * to it as they are. What has become of the names, it is asked at check-in (own-statements.ts).
 *
 * A statement of the protocol whose text names others can't be shared, since what it does depends on who has it. It
 * has its own name wherever it is.
 */

import type { PoolerError } from "../../base/pooler-error.ts";
import type { Effects } from "../../sql/effects.ts";
import { TRANSACTION_STATUS } from "../../wire/backend/ready-for-query.ts";
import { ByteWriter } from "../../wire/byte-writer.ts";
import type { ClientState } from "../client-state.ts";
import { isPreparedBySql } from "../effects/command-effects.ts";
import { EXPECTED } from "../relay/expected-reply.ts";
import type { HoldNotes } from "../relay/hold-notes.ts";
import type { ByteSink, RunWriter } from "../relay/run-writer.ts";
import type { ServerState } from "../server-state.ts";
import { PlacedName } from "./placed-name.ts";
import { TooManyStatementsError } from "./statement-errors.ts";
import type { StatementPreparation } from "./statement-preparation.ts";

/** What was done before a Query that names statements. */
export const PLACEMENT = {
  /** All that is needed: the Query may follow. */
  done: 0,
  /** The same, and the Query may yet be skipped: a Sync of ours has to stand behind it. */
  needsSync: 1,
  /** Nothing: it must wait for replies. */
  wait: 2,
} as const;

type Placement = (typeof PLACEMENT)[keyof typeof PLACEMENT];

/** Whether a statement names others. */
export function namesStatements(effects: Effects | null): boolean {
  return effects !== null && effects.statementNames.length > 0;
}

export class OwnNamePlacer {
  readonly #client: ClientState;
  readonly #namesMax: number;
  readonly #notes: HoldNotes;
  readonly #preparation: StatementPreparation;
  readonly #out: RunWriter;

  /** @param namesMax statements that one client may have at a time */
  constructor(
    client: ClientState,
    namesMax: number,
    notes: HoldNotes,
    preparation: StatementPreparation,
    out: RunWriter,
  ) {
    this.#preparation = preparation;
    this.#client = client;
    this.#namesMax = namesMax;
    this.#notes = notes;
    this.#out = out;
  }

  /** Returns why a Query with these effects is refused; null: it is not. */
  refusal(effects: Effects, server: ServerState): PoolerError | null {
    if (!effects.prepares) return null;
    const { statements } = this.#client;
    const known = (name: string): boolean =>
      server.ownNames.has(name) || statements.get(name) !== undefined;
    const count = this.#countNames(server);
    if (count < this.#namesMax || effects.statementNames.every(known)) return null;
    return new TooManyStatementsError(count, this.#namesMax);
  }

  /** Has the server judge what a Query with these effects names. It is whole, and comes next. */
  placeForQuery(effects: Effects, segment: number, server: ServerState, sink: ByteSink): Placement {
    if (effects.statementNames.length === 0) return PLACEMENT.done;
    const { statements } = this.#client;
    if (this.#notes.mustWait(segment, server)) return PLACEMENT.wait;
    const names = effects.statementNames.filter((name) => !server.ownNames.has(name));
    if (names.length === 0) return PLACEMENT.done;
    if (isUnsettled(server)) return PLACEMENT.wait;
    const unknown = names.filter((name) => statements.get(name) === undefined);
    // A Parse fails in a failed transaction, and a Sync of ours behind it does not go with a COPY.
    const canPrepare = server.status !== TRANSACTION_STATUS.Failed && !effects.copiesIn;
    const placed = canPrepare ? names : unknown;
    return this.#placeAll(placed, segment, server, sink) ? PLACEMENT.needsSync : PLACEMENT.done;
  }

  /** Has the server judge these names, inside a segment. Returns false where that must wait. */
  place(names: readonly string[], segment: number, server: ServerState, sink: ByteSink): boolean {
    if (names.length === 0) return true;
    if (this.#notes.mustWait(segment, server)) return false;
    this.#placeAll(names, segment, server, sink);
    return true;
  }

  /** Whether the server judges what the client calls `name`; nothing has to be waited for. */
  isOwn(name: string, segment: number, server: ServerState, sink: ByteSink): boolean {
    if (server.ownNames.has(name)) return true;
    const statement = this.#client.statements.get(name);
    if (statement === undefined || !namesStatements(statement.effects)) return false;
    this.#placeAll([name], segment, server, sink);
    return true;
  }

  /** Passes on a Parse under the client's own name; nothing has to be waited for. */
  parse(
    name: string,
    effects: Effects | null,
    bytes: Uint8Array,
    start: number,
    end: number,
    segment: number,
    server: ServerState,
    sink: ByteSink,
  ): void {
    this.#notes.noteEffects(effects, server);
    this.#placeAll([...(effects?.statementNames ?? []), name], segment, server, sink);
    server.ownNames.set(name, null);
    this.#out.forward(bytes, start, end, sink);
    server.expected.push(EXPECTED.parse, null);
  }

  /** Passes on a Close of a name that the server judges. */
  close(
    name: string,
    bytes: Uint8Array,
    start: number,
    end: number,
    server: ServerState,
    sink: ByteSink,
  ): void {
    server.ownNames.set(name, null);
    this.#out.forward(bytes, start, end, sink);
    server.expected.push(EXPECTED.close, null);
  }

  /** How many names the client has, or may have by now. */
  #countNames({ ownNames }: ServerState): number {
    const { statements } = this.#client;
    let count = statements.size;
    for (const name of ownNames.keys()) if (statements.get(name) === undefined) count += 1;
    return count;
  }

  /** Returns whether statements were prepared: their Parse may fail. */
  #placeAll(
    names: readonly string[],
    segment: number,
    server: ServerState,
    sink: ByteSink,
  ): boolean {
    let placed = false;
    for (const name of names)
      if (!server.ownNames.has(name) && this.#placeOne(name, segment, server, sink)) placed = true;
    if (placed) this.#notes.noteChange(segment);
    return placed;
  }

  #placeOne(name: string, segment: number, server: ServerState, sink: ByteSink): boolean {
    const statement = this.#client.statements.get(name) ?? null;
    server.ownNames.set(name, statement);
    const bytes = bytesOf(name);
    // Nothing is known to be there, but for what an unread text of this client has prepared.
    if (!isPreparedBySql(server.residue)) {
      this.#preparation.sendClose(bytes, sink);
      server.expected.push(EXPECTED.ownClose, null);
    }
    if (statement === null) return false;
    const { effects, parseTail } = statement;
    this.#notes.noteEffects(effects, server);
    this.#placeAll(effects?.statementNames ?? [], segment, server, sink);
    this.#preparation.sendParse(bytes, parseTail, 0, parseTail.length, sink);
    server.expected.push(EXPECTED.ownParse, new PlacedName(server.ownNames, name));
    return true;
  }
}

/** Whether replies may yet tell that the transaction has failed, or that the segment is skipped. */
function isUnsettled({ expected, segmentOpen }: ServerState): boolean {
  return expected.readyOwed > 0 || (segmentOpen && expected.size > 0);
}

function bytesOf(name: string): Uint8Array {
  const writer = new ByteWriter();
  writer.text(name);
  return writer.take();
}
