/**
 * The Query messages of a client. What a text may leave behind is noted, and the statements that it names mean to
 * its server what they mean to the client; one that resets settings goes on with a SET of what the client asked for
 * when it connected. What the server refuses in our stead has our words for why.
 */

import type { PoolerError } from "../../base/pooler-error.ts";
import type { Effects } from "../../sql/effects.ts";
import { errorResponseOf } from "../../wire/backend/error-response.ts";
import { SYNC } from "../../wire/frontend/empty-requests.ts";
import { HEADER_BYTES } from "../../wire/limits.ts";
import { FRONTEND } from "../../wire/message-type.ts";
import type { ClientState } from "../client-state.ts";
import { noteRequestInSegment } from "../effects/command-effects.ts";
import type { ServerState } from "../server-state.ts";
import { type SetCommand, setCommandIn } from "../settings/set-command.ts";
import { discardNote, restorationOf, SetNote } from "../settings/set-note.ts";
import { DEALLOCATION_BYTES_MAX, deallocatedName } from "../statements/deallocation.ts";
import { PLACEMENT } from "../statements/own-names.ts";
import type { StatementTranslator } from "../statements/statement-translator.ts";
import { EXPECTED } from "./expected-reply.ts";
import { OUTCOME, type Outcome } from "./message-outcome.ts";
import { REFUSED_QUERY } from "./refused-query.ts";
import type { ByteSink, RunWriter } from "./run-writer.ts";

const encoder = new TextEncoder();

export class QueryMessages {
  readonly #client: ClientState;
  /** Null: texts are not read, but for those that set or reset (session mode). */
  readonly #translator: StatementTranslator | null;
  readonly #out: RunWriter;
  #mayForget = false;

  constructor(client: ClientState, translator: StatementTranslator | null, out: RunWriter) {
    this.#client = client;
    this.#translator = translator;
    this.#out = out;
  }

  /** Whether the last one may change what names mean: the next message waits for its end. */
  get mayForget(): boolean {
    return this.#mayForget;
  }

  /**
   * Deals with the Query in `bytes[start, end)`, of which more may be to come, unless it is one that is read.
   * @param segment counts the client's Sync, Query and FunctionCall
   */
  onMessage(
    bytes: Uint8Array,
    start: number,
    end: number,
    messageEnd: number,
    segment: number,
    server: ServerState,
    sink: ByteSink,
  ): Outcome {
    this.#mayForget = false;
    const translator = this.#translator;
    const effects = translator?.effectsIn(bytes, start + HEADER_BYTES, end, server) ?? null;
    if (translator !== null && effects !== null)
      return this.#sendStateful(
        translator,
        effects,
        bytes,
        start,
        end,
        end === messageEnd,
        segment,
        server,
        sink,
      );
    this.#send(bytes, start, end, end === messageEnd, server, sink);
    return OUTCOME.passedOn;
  }

  /** One whose text may leave something behind. */
  #sendStateful(
    translator: StatementTranslator,
    effects: Effects,
    bytes: Uint8Array,
    start: number,
    end: number,
    isWhole: boolean,
    segment: number,
    server: ServerState,
    sink: ByteSink,
  ): Outcome {
    const refusal =
      this.#client.reservePin(effects.pins) ?? translator.ownNames.refusal(effects, server);
    if (refusal !== null) return this.#sendRefused(refusal, bytes, end, server, sink);
    this.#mayForget = effects.forgets;
    server.noteEffects(effects);
    const name = effects.forgets && isWhole ? deallocatedIn(bytes, start, end) : null;
    if (name !== null) {
      const outcome = translator.deallocate(name, segment, server, sink);
      if (outcome !== OUTCOME.passedOn) return outcome;
    }
    const placement = translator.ownNames.placeForQuery(effects, segment, server, sink);
    if (placement === PLACEMENT.wait) return OUTCOME.needsReplies;
    // What a statement does that is executed by its name counts, too.
    if (effects.statementNames.length > 0 && translator.mayForget) this.#mayForget = true;
    this.#send(bytes, start, end, isWhole, server, sink);
    if (placement === PLACEMENT.needsSync) {
      this.#out.insert(SYNC, 0, SYNC.length, sink);
      server.expected.push(EXPECTED.ownSync, null);
    }
    return OUTCOME.passedOn;
  }

  /** The server is sent another Query, which it refuses. */
  #sendRefused(
    refusal: PoolerError,
    bytes: Uint8Array,
    end: number,
    server: ServerState,
    sink: ByteSink,
  ): Outcome {
    this.#out.insert(REFUSED_QUERY, 0, REFUSED_QUERY.length, sink);
    this.#passOn(errorResponseOf(refusal), bytes, end, end, server, sink);
    return OUTCOME.taken;
  }

  #send(
    bytes: Uint8Array,
    start: number,
    end: number,
    isWhole: boolean,
    server: ServerState,
    sink: ByteSink,
  ): void {
    if (!isWhole) return this.#passOn(null, bytes, start, end, server, sink);
    const from = start + HEADER_BYTES;
    const command = setCommandIn(bytes, from, end);
    if (command !== null) return this.#sendSet(command, bytes, start, end, server, sink);
    const { startupSettings, settings } = this.#client;
    // What stands in front is not reported yet; the client knows it all the same.
    const told = server.settingsUnderWay ? settings.reported : null;
    const note = discardNote(bytes, from, end, startupSettings, told ?? server.parameters);
    this.#passOn(note, bytes, start, end, server, sink);
  }

  /** One that resets what the client asked for goes on with a SET of that. */
  #sendSet(
    command: SetCommand,
    bytes: Uint8Array,
    start: number,
    end: number,
    server: ServerState,
    sink: ByteSink,
  ): void {
    const note = new SetNote(command);
    const restoration = restorationOf(command, this.#client.startupSettings);
    if (restoration === "") return this.#passOn(note, bytes, start, end, server, sink);
    const rest = encoder.encode(`${restoration}\0`);
    this.#out.insertHeader(FRONTEND.Query, end - start - 2 + rest.length, sink);
    this.#out.insert(bytes, start + HEADER_BYTES, end - 1, sink);
    this.#out.insert(rest, 0, rest.length, sink);
    this.#passOn(note, bytes, end, end, server, sink);
  }

  #passOn(
    note: SetNote | Uint8Array | null,
    bytes: Uint8Array,
    start: number,
    end: number,
    server: ServerState,
    sink: ByteSink,
  ): void {
    if (server.segmentOpen) noteRequestInSegment(server);
    server.expected.push(EXPECTED.query, note);
    this.#out.forward(bytes, start, end, sink);
  }
}

/** Returns the name that the whole Query in `bytes[start, end)` deallocates, if it does no more; else null. */
function deallocatedIn(bytes: Uint8Array, start: number, end: number): string | null {
  return end - start > DEALLOCATION_BYTES_MAX
    ? null
    : deallocatedName(bytes, start + HEADER_BYTES, end);
}
