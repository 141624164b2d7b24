/**
 * COPY FROM STDIN: what a client sends while its server reads the data, and the question of the Syncs
 * inside it.
 *
 * PostgreSQL ignores a Sync that it reads inside a COPY (libpq sends one with the Execute), but answers one
 * that it comes to when the COPY has failed. How many ReadyForQuery there will be, only the place of
 * something behind them tells: the reply to {@link REPLY_MARKER}.
 *
 * A message that has no place in a COPY ends PostgreSQL's connection if it comes inside one, and is carried out
 * if the COPY has failed by then. So PostgreSQL gets a CopyFail in its stead, and its error tells.
 * Source: CopyGetData in PostgreSQL's src/backend/commands/copyfromparse.c.
 */

import { ByteWriter } from "../../wire/byte-writer.ts";
import { writeClose } from "../../wire/frontend/close.ts";
import { writeCopyFail } from "../../wire/frontend/copy-fail.ts";
import { FLUSH } from "../../wire/frontend/empty-requests.ts";
import { FRONTEND } from "../../wire/message-type.ts";
import type { ServerState } from "../server-state.ts";
import { STATEMENT_NAME_PREFIX } from "../statements/statement.ts";
import { CopyQuestion, MISPLACED } from "./copy-question.ts";
import { EXPECTED } from "./expected-reply.ts";
import { inTurn, OUTCOME, type Outcome } from "./message-outcome.ts";
import type { ByteSink, RunWriter } from "./run-writer.ts";

/**
 * A Close of a statement that is never there, and a Flush so that its reply comes at once. Allowed in any
 * state but inside a COPY. Never to be written to.
 */
const REPLY_MARKER: Uint8Array = replyMarker();

const MISPLACED_COPY_FAIL: Uint8Array = misplacedCopyFail();

/** Asks in the stead of a message that is no part of a COPY. Whoever sent it waits until nothing is owed. */
export function askInCopy(
  type: number,
  out: RunWriter,
  server: ServerState,
  sink: ByteSink,
): CopyQuestion {
  out.insert(MISPLACED_COPY_FAIL, 0, MISPLACED_COPY_FAIL.length, sink);
  const question = new CopyQuestion(type);
  server.copyQuestion = question;
  server.copyingIn = false;
  return question;
}

/**
 * Notes a message that comes while the server reads COPY data, and returns what becomes of it. `needsReplies`: it
 * has no place there.
 */
export function noteCopyMessage(type: number, server: ServerState): Outcome {
  switch (type) {
    case FRONTEND.CopyDone:
    case FRONTEND.CopyFail:
      server.copyingIn = false;
      return OUTCOME.passedOn;
    case FRONTEND.Sync:
      server.copySyncs += 1;
      return OUTCOME.passedOn;
    case FRONTEND.Terminate:
      return OUTCOME.terminated;
    case FRONTEND.CopyData:
    case FRONTEND.Flush:
      return OUTCOME.passedOn;
    default:
      return OUTCOME.needsReplies;
  }
}

/**
 * Returns what becomes of a message outside of a COPY that is none of a query. Data waits for CopyInResponse: which
 * Syncs the server ignores is certain only for those before it. Where nothing is owed no COPY can be under way, and
 * PostgreSQL would ignore it.
 */
export function outcomeOutsideCopy(type: number, server: ServerState): Outcome {
  switch (type) {
    case FRONTEND.CopyData:
    case FRONTEND.CopyDone:
    case FRONTEND.CopyFail:
      return inTurn(OUTCOME.taken, server);
    case FRONTEND.Terminate:
      return OUTCOME.terminated;
    default:
      return inTurn(OUTCOME.invalidType, server);
  }
}

/**
 * The server reads data from here on. A Sync that was sent before is ignored, so that an Execute waits for another
 * one; unless the COPY fails first.
 */
export function enterCopyIn(server: ServerState): void {
  const isOfExecute = server.expected.head === EXPECTED.execute;
  server.copySyncs += server.expected.dropSyncsBehindHead();
  server.copyingIn = true;
  if (isOfExecute) server.segmentOpen = true;
}

/** Sends the marker: when its reply is there, all replies to the Syncs before it are. */
export function markPlace(out: RunWriter, server: ServerState, sink: ByteSink): void {
  out.insert(REPLY_MARKER, 0, REPLY_MARKER.length, sink);
  server.expected.push(EXPECTED.ownClose, null);
}

function misplacedCopyFail(): Uint8Array {
  const writer = new ByteWriter();
  writeCopyFail(writer, MISPLACED);
  return writer.take();
}

function replyMarker(): Uint8Array {
  const writer = new ByteWriter();
  writeClose(writer, { kind: "statement", name: `${STATEMENT_NAME_PREFIX}.marker` });
  writer.bytes(FLUSH);
  return writer.take();
}
