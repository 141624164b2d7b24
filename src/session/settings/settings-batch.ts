/**
 * Settings sent in front of a client's own message, with no round trip: BEGIN, one statement for each step,
 * COMMIT, all by Parse, Bind and Execute with no Sync behind them, then a Flush. The client's message follows
 * in the same write, and the replies to ours are swallowed.
 *
 * Safe because PostgreSQL skips all that comes behind a failed Execute, up to a Sync: where the settings are
 * refused, nothing of the client's is run. The COMMIT makes them hold whatever becomes of the client's message,
 * which finds neither a transaction nor a snapshot. The Flush has the outcome told at once: until then a cancel
 * would strike the settings, and is kept back.
 *
 * Source: exec_execute_message and `ignore_till_sync` in PostgreSQL's src/backend/tcop/postgres.c.
 */

import { ByteWriter } from "../../wire/byte-writer.ts";
import { writeBind } from "../../wire/frontend/bind.ts";
import { FLUSH } from "../../wire/frontend/empty-requests.ts";
import { writeExecute } from "../../wire/frontend/execute.ts";
import { writeParse } from "../../wire/frontend/parse.ts";
import { EXPECTED } from "../relay/expected-reply.ts";
import type { ByteSink, RunWriter } from "../relay/run-writer.ts";
import type { ServerState } from "../server-state.ts";
import { changeStatements, type Settings } from "./session-settings.ts";

/**
 * Whatever the defaults of the session are: neither a wait for a safe snapshot, nor a conflict. It may be a
 * standby: of reading and writing nothing is said.
 */
const BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED NOT DEFERRABLE";
const COMMIT = "COMMIT";

/** Timeouts of a server that may strike the few statements of ours. */
const TIMEOUTS: readonly string[] = ["statement_timeout", "transaction_timeout"];
/** None, or a second and more. Without a unit they are in milliseconds. */
const LONG = /^\s*(?:0|\d{4,}|[1-9]\d*\s*(?:s|min|h|d))\s*$/;

/**
 * Whether a server that has `from` can be given `to` in front of a message: not where a timeout may strike,
 * nor where nobody knows yet what a server with `to` reports.
 */
export function fitsInFront(from: Settings | null, to: Settings): boolean {
  return from !== null && to.reported !== null && isPatient(from) && isPatient(to);
}

/** Gathers the messages that give `server` other settings, and notes what it will owe for them. */
export function sendInFront(
  to: Settings,
  server: ServerState,
  out: RunWriter,
  sink: ByteSink,
): void {
  const statements = changeStatements(server.settings, to);
  if (statements.length > 0) {
    const batch = batchOf(statements);
    server.settingsSent(to, statements.length + 2);
    server.expected.push(EXPECTED.settings, null);
    out.insert(batch, 0, batch.length, sink);
  } else server.adoptSettings(to);
}

function isPatient({ entries }: Settings): boolean {
  if (entries.size === 0) return true;
  return TIMEOUTS.every((name) => {
    const value = entries.get(name);
    return value === undefined || LONG.test(value);
  });
}

function batchOf(statements: readonly string[]): Uint8Array {
  const writer = new ByteWriter();
  for (const query of [BEGIN, ...statements, COMMIT]) {
    writeParse(writer, { statement: "", query, parameterTypeOids: [] });
    writeBind(writer, UNNAMED_BIND);
    writeExecute(writer, "", 0);
  }
  writer.bytes(FLUSH);
  return writer.take();
}

const UNNAMED_BIND = {
  portal: "",
  statement: "",
  parameterFormats: [],
  parameters: [],
  resultFormats: [],
};
