/**
 * What a {@link ModelPostgres} answers, message by message. The same arrays again and again: not to be written to.
 */

import { BACKEND } from "../../../src/wire/message-type.ts";
import { commandComplete, dataRow, message, readyForQuery } from "./backend-messages.ts";
import { Memo } from "./memo.ts";

export const READY = {
  I: readyForQuery("I"),
  T: readyForQuery("T"),
  E: readyForQuery("E"),
} as const;
export const NO_PARAMETERS = message(BACKEND.ParameterDescription, Uint8Array.of(0, 0));
export const PORTAL_SUSPENDED = message(BACKEND.PortalSuspended);
export const EMPTY_QUERY_RESPONSE = message(BACKEND.EmptyQueryResponse);
export const COPY_IN_RESPONSE = message(BACKEND.CopyInResponse, Uint8Array.of(0, 0, 0));

const COPY_OUT_RESPONSE = message(BACKEND.CopyOutResponse, Uint8Array.of(0, 0, 0));
const COPY_DONE = message(BACKEND.CopyDone);
const WIDE_FILLING = "x".repeat(5000);

const ROWS = new Memo((text) => dataRow(text));
const COMPLETIONS = new Memo(commandComplete);
const COPIES_OUT = new Memo(copyOut);

/** A row of one column. */
export function row(text: string): Uint8Array {
  return ROWS.get(text);
}

export function completion(tag: string): Uint8Array {
  return COMPLETIONS.get(tag);
}

/** All of `copy out N` or `copy wide N`, but for what follows CommandComplete. */
export function copyOutOf(sql: string): readonly Uint8Array[] {
  return COPIES_OUT.get(sql);
}

function copyOut(sql: string): readonly Uint8Array[] {
  const [, kind, count] = sql.split(" ");
  const filling = kind === "wide" ? WIDE_FILLING : "";
  const rows = Array.from({ length: Number(count) }, (_, index) =>
    message(BACKEND.CopyData, `row ${index}${filling}\n`),
  );
  return [COPY_OUT_RESPONSE, ...rows, COPY_DONE, commandComplete(`COPY ${count}`)];
}
