/**
 * Prepared statements in transaction mode: what a client calls by names of its own is, on whatever
 * server it has at the moment, a statement under the one name that {@link StatementInterner} gave it.
 *
 * Every verb either sends what the server needs and notes the replies, or returns false: then earlier
 * replies must come first, because they decide what a name means.
 */

import type { PoolerError } from "../../base/pooler-error.ts";
import type { Effects } from "../../sql/effects.ts";
import { errorResponseOf } from "../../wire/backend/error-response.ts";
import { TRANSACTION_STATUS } from "../../wire/backend/ready-for-query.ts";
import { findNul, readInt32 } from "../../wire/bytes.ts";
import { HEADER_BYTES } from "../../wire/limits.ts";
import type { ClientState } from "../client-state.ts";
import { effectsIn } from "../effects/text-effects.ts";
import { EXPECTED } from "../relay/expected-reply.ts";
import { HoldNotes } from "../relay/hold-notes.ts";
import { OUTCOME, type Outcome } from "../relay/message-outcome.ts";
import type { ByteSink, RunWriter } from "../relay/run-writer.ts";
import type { ServerState } from "../server-state.ts";
import { settingNamesInValues } from "../settings/settings-in-values.ts";
import { StatementChange } from "./client-statements.ts";
import { namesStatements, OwnNamePlacer } from "./own-names.ts";
import { sendRenamed } from "./renamed-message.ts";
import { ServedStatements, sameParameters, sameShape } from "./served-statements.ts";
import { sendDeallocation, sendRefused, sendTrial, UNKNOWN_NAME } from "./server-judgement.ts";
import { ColumnsTold } from "./shape-notes.ts";
import type { StatementInterner } from "./statement.ts";
import {
  changedColumnsError,
  duplicateStatementError,
  StatementTooLargeError,
  TenantStatementsError,
  TooManyStatementsError,
  unknownStatementError,
} from "./statement-errors.ts";
import { StatementPreparation } from "./statement-preparation.ts";

/** Memory bounds of prepared statements. */
export interface StatementLimits {
  /** Names that one client may have at a time. */
  readonly clientStatementsMax: number;
  /** The longest text of a named statement, in bytes. */
  readonly statementBytesMax: number;
}

export class StatementTranslator {
  readonly #client: ClientState;
  readonly #interner: StatementInterner;
  readonly #limits: StatementLimits;
  readonly #out: RunWriter;
  readonly #preparation: StatementPreparation;
  readonly #notes = new HoldNotes();
  /** Names that the server judges. */
  readonly ownNames: OwnNamePlacer;
  readonly #served: ServedStatements;

  constructor(
    client: ClientState,
    interner: StatementInterner,
    limits: StatementLimits,
    out: RunWriter,
  ) {
    this.#client = client;
    this.#interner = interner;
    this.#limits = limits;
    this.#out = out;
    this.#preparation = new StatementPreparation(out);
    this.#served = new ServedStatements(client, interner, this.#preparation, this.#notes);
    this.ownNames = new OwnNamePlacer(
      client,
      limits.clientStatementsMax,
      this.#notes,
      this.#preparation,
      out,
    );
  }

  /** As of {@link HoldNotes.mayForget}. */
  get mayForget(): boolean {
    return this.#notes.mayForget;
  }

  /** The text of an unnamed Parse is to go out. `taken`: it may not, and the server refuses another one. */
  noteText(
    bytes: Uint8Array,
    start: number,
    end: number,
    segment: number,
    server: ServerState,
    sink: ByteSink,
  ): Outcome {
    const effects = this.effectsIn(bytes, start, end, server);
    if (effects === null) return OUTCOME.passedOn;
    if (!this.ownNames.place(effects.statementNames, segment, server, sink))
      return OUTCOME.needsReplies;
    if (!this.#mayPin(effects, server, sink)) return OUTCOME.taken;
    this.#notes.noteEffects(effects, server);
    return OUTCOME.passedOn;
  }

  /** Whether a statement may bind the client to its server, if it does; else what comes is skipped up to a Sync. */
  #mayPin(effects: Effects | null, server: ServerState, sink: ByteSink): boolean {
    const refusal = effects === null ? null : this.#client.reservePin(effects.pins);
    if (refusal !== null) this.refuse(refusal, server, sink);
    return refusal === null;
  }

  /** Returns what the text in `bytes[start, end)`, up to its NUL, may leave behind; null: nothing. */
  effectsIn(bytes: Uint8Array, start: number, end: number, server: ServerState): Effects | null {
    server.texts?.note(bytes, start, end);
    return effectsIn(this.#interner.reader, bytes, start, end, server.parameters);
  }

  /** A Parse of the unnamed statement went out in this segment. */
  noteUnnamedParse(segment: number): void {
    this.#notes.unnamedIn = segment;
    this.#client.noteUnnamedParse();
  }

  /** A server was taken: what was certain on another one is not on this one. */
  beginHold(): void {
    this.#notes.beginHold();
    this.#served.beginHold();
  }

  /** Parse of a named statement, whole in `bytes[start, end)`. */
  parse(
    bytes: Uint8Array,
    start: number,
    end: number,
    segment: number,
    server: ServerState,
    sink: ByteSink,
  ): boolean {
    if (this.#notes.mustWait(segment, server)) return false;
    const nameEnd = findNul(bytes, start + HEADER_BYTES, end);
    const name = this.#interner.names.read(bytes, start + HEADER_BYTES, nameEnd);
    const statements = this.#client.statements;
    const known = statements.get(name);
    this.#notes.noteChange(segment);
    if (server.ownNames.has(name)) {
      const effects = this.effectsIn(bytes, nameEnd + 1, end, server);
      this.ownNames.parse(name, effects, bytes, start, end, segment, server, sink);
      return true;
    }
    if (known !== undefined) {
      // The server reads the text first, since that error would come first; then it refuses.
      server.expected.push(EXPECTED.ownParse, null);
      sendTrial(this.#preparation, bytes, nameEnd + 1, end, server, sink);
      sendRefused(this.#out, duplicateStatementError(name), server, sink);
      return true;
    }
    if (statements.size >= this.#limits.clientStatementsMax) {
      this.refuse(
        new TooManyStatementsError(statements.size, this.#limits.clientStatementsMax),
        server,
        sink,
      );
      return true;
    }
    if (!this.#interner.hasRoomFor(end - nameEnd - 1)) {
      const { memoryBytes, bytesMax } = this.#interner;
      this.refuse(new TenantStatementsError(memoryBytes, bytesMax), server, sink);
      return true;
    }
    const statement = this.#interner.intern(
      bytes,
      nameEnd + 1,
      end,
      this.#served.readUnder(server),
      server.parameters,
    );
    if (namesStatements(statement.effects)) {
      this.ownNames.parse(name, statement.effects, bytes, start, end, segment, server, sink);
      this.#interner.release(statement);
      return true;
    }
    statements.set(name, statement);
    this.#sendOrSkipParse(new StatementChange(statements, name, statement), server, sink);
    return true;
  }

  /** Parse of a named statement that is longer than the limit: none of it is sent. */
  parseTooLarge(
    messageBytes: number,
    segment: number,
    server: ServerState,
    sink: ByteSink,
  ): boolean {
    if (this.#notes.mustWait(segment, server)) return false;
    this.refuse(
      new StatementTooLargeError(messageBytes, this.#limits.statementBytesMax),
      server,
      sink,
    );
    return true;
  }

  /**
   * Bind, with both of its names in `bytes[start, end)`. All of it that is there is sent; what is to
   * come can follow as it is.
   */
  bind(
    bytes: Uint8Array,
    start: number,
    end: number,
    messageEnd: number,
    segment: number,
    server: ServerState,
    sink: ByteSink,
  ): Outcome {
    const nameStart = findNul(bytes, start + HEADER_BYTES, end) + 1;
    const nameEnd = findNul(bytes, nameStart, end);
    if (nameStart === nameEnd) {
      if (!this.#ensureUnnamed(segment, server, sink)) return OUTCOME.needsReplies;
      this.#client.noteUnnamedBind();
      this.#out.forward(bytes, start, end, sink);
      server.expected.push(EXPECTED.bind, null);
    } else {
      if (this.#notes.mustWait(segment, server)) return OUTCOME.needsReplies;
      const name = this.#interner.names.read(bytes, nameStart, nameEnd);
      if (this.ownNames.isOwn(name, segment, server, sink)) {
        this.#served.doubtful.forget(bytes, start, end);
        this.#out.forward(bytes, start, end, sink);
        server.expected.push(EXPECTED.bind, null);
        return this.#noteValues(bytes, nameEnd, end, server);
      }
      const known = this.#client.statements.get(name);
      const used =
        known === undefined ? null : this.#served.prepare(name, known, segment, server, sink);
      if (known !== undefined) {
        if (used === null) return OUTCOME.needsReplies;
        if (!this.#served.mayBind(name, known, used, bytes, start, end, messageEnd, segment)) {
          sendRefused(this.#out, changedColumnsError(), server, sink);
          return OUTCOME.taken;
        }
        server.texts?.note(used.parseTail, 0, used.parseTail.length);
        this.#notes.noteEffects(used.effects, server);
        this.#mayPin(used.effects, server, sink);
      }
      const serverName = used?.name ?? UNKNOWN_NAME;
      sendRenamed(this.#out, bytes, start, nameStart, nameEnd, end, messageEnd, serverName, sink);
      server.expected.push(EXPECTED.bind, used === null ? unknownStatementError(name) : name);
    }
    return this.#noteValues(bytes, nameEnd, end, server);
  }

  #noteValues(bytes: Uint8Array, start: number, end: number, server: ServerState): Outcome {
    if (server.settingsTouched) server.noteSettingNames(settingNamesInValues(bytes, start, end));
    return OUTCOME.passedOn;
  }

  /** Describe of a statement, whole in `bytes[start, end)`. */
  describe(
    bytes: Uint8Array,
    start: number,
    end: number,
    segment: number,
    server: ServerState,
    sink: ByteSink,
  ): boolean {
    const nameStart = start + HEADER_BYTES + 1;
    const nameEnd = findNul(bytes, nameStart, end);
    if (nameStart === nameEnd) {
      if (!this.#ensureUnnamed(segment, server, sink)) return false;
      this.#out.forward(bytes, start, end, sink);
      server.expected.push(EXPECTED.describeStatement, null);
      return true;
    }
    if (this.#notes.mustWait(segment, server)) return false;
    const name = this.#interner.names.read(bytes, nameStart, nameEnd);
    if (this.ownNames.isOwn(name, segment, server, sink)) {
      this.#out.forward(bytes, start, end, sink);
      server.expected.push(EXPECTED.describeStatement, null);
      return true;
    }
    const known = this.#client.statements.get(name);
    if (known === undefined) {
      sendRenamed(this.#out, bytes, start, nameStart, nameEnd, end, end, UNKNOWN_NAME, sink);
      server.expected.push(EXPECTED.describeStatement, unknownStatementError(name));
      return true;
    }
    const description = this.#served.describeWithout(server, known);
    if (description !== null) {
      server.expected.push(EXPECTED.describeKnown, description);
      return true;
    }
    const used = this.#served.prepare(name, known, segment, server, sink);
    if (used === null) return false;
    if (server.retry.parametersTold && !sameParameters(known, used)) {
      server.retry.endParameters();
      sendRefused(this.#out, changedColumnsError(), server, sink);
      return true;
    }
    this.#notes.noteEffects(used.effects, server);
    sendRenamed(this.#out, bytes, start, nameStart, nameEnd, end, end, used.name, sink);
    const news = used !== known && !sameShape(known, used);
    if (news) this.#served.noteTold(name, segment);
    const note = news ? new ColumnsTold(this.#client.statements, name, known, used) : name;
    server.expected.push(EXPECTED.describeStatement, note);
    return true;
  }

  /** A Describe of a portal goes out, whole in `bytes[start, end)`. Returns its note. */
  describePortal(bytes: Uint8Array, start: number, end: number): ColumnsTold | null {
    return this.#served.doubtful.describe(bytes, start, end);
  }

  /** Whether an Execute must be read whole, since it may be one to refuse. */
  get doubts(): boolean {
    return this.#served.doubtful.size > 0;
  }

  /**
   * Refuses the Execute in `bytes[start, end)` if its portal has other columns than the client was told.
   * Returns whether it did.
   */
  refusesExecute(
    bytes: Uint8Array,
    start: number,
    end: number,
    server: ServerState,
    sink: ByteSink,
  ): boolean {
    if (this.#served.doubtful.size === 0 || !this.#served.doubtful.has(bytes, start, end))
      return false;
    sendRefused(this.#out, changedColumnsError(), server, sink);
    return true;
  }

  /** Close of a named statement, whole in `bytes[start, end)`: the server keeps it, the name goes. */
  close(
    bytes: Uint8Array,
    start: number,
    end: number,
    segment: number,
    server: ServerState,
    sink: ByteSink,
  ): boolean {
    if (this.#notes.mustWait(segment, server)) return false;
    const nameStart = start + HEADER_BYTES + 1;
    const name = this.#interner.names.read(bytes, nameStart, findNul(bytes, nameStart, end));
    this.#notes.noteChange(segment);
    if (server.ownNames.has(name)) {
      this.ownNames.close(name, bytes, start, end, server, sink);
      return true;
    }
    server.expected.push(EXPECTED.closeKnown, this.#client.statements.close(name));
    return true;
  }

  /**
   * DEALLOCATE by SQL of `name`, which the client gave: the server deallocates one that is made for it, in
   * this place, and has the last word on whether that may be.
   */
  deallocate(name: string, segment: number, server: ServerState, sink: ByteSink): Outcome {
    if (this.#notes.mustWait(segment, server)) return OUTCOME.needsReplies;
    if (server.ownNames.has(name)) return OUTCOME.passedOn;
    if (this.#client.statements.get(name) === undefined) return OUTCOME.passedOn;
    sendDeallocation(this.#preparation, name, this.#out, server, sink);
    return OUTCOME.taken;
  }

  /** Has the server refuse a message, so that order and transaction are right, with our words for why. */
  refuse(error: PoolerError, server: ServerState, sink: ByteSink): void {
    sendRefused(this.#out, errorResponseOf(error), server, sink);
  }

  #sendOrSkipParse(change: StatementChange, server: ServerState, sink: ByteSink): void {
    const tail = change.statement.parseTail;
    if (!server.statements.touch(change.statement)) {
      this.#preparation.parse(change, server, sink);
    } else if (server.status === TRANSACTION_STATUS.Failed || server.expected.readyOwed > 0) {
      server.expected.push(EXPECTED.parseProbe, change);
      sendTrial(this.#preparation, tail, 0, tail.length, server, sink);
    } else {
      server.expected.push(EXPECTED.parseKnown, change);
    }
  }

  /** Sees to it that the server's unnamed statement is the client's. False: wait first. */
  #ensureUnnamed(segment: number, server: ServerState, sink: ByteSink): boolean {
    if (this.#notes.unnamedIn === segment) return true;
    if (server.owesClient) return false;
    if (!server.unnamedInStep) {
      const parse = this.#client.unnamedParse;
      if (parse === null) {
        this.#preparation.closeUnnamed(server, sink);
      } else {
        const length = 1 + readInt32(parse, 1);
        const outcome = this.noteText(parse, HEADER_BYTES + 1, length, segment, server, sink);
        if (outcome === OUTCOME.needsReplies) return false;
        this.#out.insert(parse, 0, length, sink);
        server.expected.push(EXPECTED.ownParseUnnamed, null);
      }
    }
    this.#client.noteUnnamedReturn();
    this.#notes.unnamedIn = segment;
    return true;
  }
}
