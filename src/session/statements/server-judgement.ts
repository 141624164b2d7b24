/**
 * What a server is sent so that it is the judge: of a text that it has already, of a name that is the client's alone,
 * of a message that we refuse. So the order of replies and the fate of the transaction are PostgreSQL's own.
 */

import { ByteWriter } from "../../wire/byte-writer.ts";
import { writeQuery } from "../../wire/frontend/query.ts";
import { EXPECTED } from "../relay/expected-reply.ts";
import type { ByteSink, RunWriter } from "../relay/run-writer.ts";
import type { ServerState } from "../server-state.ts";
import { REFUSED_PARSE } from "./refused-parse.ts";
import { STATEMENT_NAME_PREFIX } from "./statement.ts";
import type { StatementPreparation } from "./statement-preparation.ts";

const encoder = new TextEncoder();

/** What no server has: a Bind of it fails as one of a name that the client never gave. */
export const UNKNOWN_NAME: Uint8Array = encoder.encode(`${STATEMENT_NAME_PREFIX}.unknown`);

/** Under which a server is given a text that it shall only judge. Digits of base 36 have no dot. */
const SPARE_NAME = encoder.encode(`${STATEMENT_NAME_PREFIX}.spare`);

/** What is deallocated for a client's name. */
const STAND_IN = `${STATEMENT_NAME_PREFIX}.deallocated`;
const STAND_IN_NAME = encoder.encode(STAND_IN);
const DEALLOCATE_STAND_IN = queryOf(`DEALLOCATE "${STAND_IN}"`);
/** A Parse behind its name: no text, no parameter types. PostgreSQL takes it in any state of a transaction. */
const EMPTY_TEXT = Uint8Array.of(0, 0, 0);

/** Has the server refuse a message, with `errorResponse` for why. */
export function sendRefused(
  out: RunWriter,
  errorResponse: Uint8Array,
  server: ServerState,
  sink: ByteSink,
): void {
  out.insert(REFUSED_PARSE, 0, REFUSED_PARSE.length, sink);
  server.expected.push(EXPECTED.refused, errorResponse);
}

/** Has the server parse a text, whose reply is noted already, and forget it again. */
export function sendTrial(
  preparation: StatementPreparation,
  tail: Uint8Array,
  start: number,
  end: number,
  server: ServerState,
  sink: ByteSink,
): void {
  preparation.sendParse(SPARE_NAME, tail, start, end, sink);
  preparation.sendClose(SPARE_NAME, sink);
  server.expected.push(EXPECTED.ownClose, null);
}

/** Has the server deallocate by SQL, in the stead of what the client calls `name`, one that is made for that. */
export function sendDeallocation(
  preparation: StatementPreparation,
  name: string,
  out: RunWriter,
  server: ServerState,
  sink: ByteSink,
): void {
  preparation.sendClose(STAND_IN_NAME, sink);
  server.expected.push(EXPECTED.ownClose, null);
  preparation.sendParse(STAND_IN_NAME, EMPTY_TEXT, 0, EMPTY_TEXT.length, sink);
  server.expected.push(EXPECTED.ownParse, null);
  out.insert(DEALLOCATE_STAND_IN, 0, DEALLOCATE_STAND_IN.length, sink);
  server.expected.push(EXPECTED.query, name);
}

function queryOf(sql: string): Uint8Array {
  const writer = new ByteWriter();
  writeQuery(writer, sql);
  return writer.take();
}
