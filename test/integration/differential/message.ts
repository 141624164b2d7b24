/**
 * What a client sends, as bytes and as the source that makes them: so a script that fails is printed as
 * code that can be run again.
 */

import * as frontend from "../../support/frontend-messages.ts";

export interface Message {
  /** A call of a function of this file. */
  readonly source: string;
  readonly bytes: Uint8Array;
  /** How many ReadyForQuery it is answered with. */
  readonly ready: 0 | 1;
}

export function query(sql: string): Message {
  return message("query", [sql], frontend.query(sql), 1);
}

export function parse(name: string, sql: string, parameterTypeOids: readonly number[] = []) {
  const bytes = frontend.parse(name, sql, parameterTypeOids);
  return message("parse", [name, sql, parameterTypeOids], bytes);
}

export function bind(
  statement: string,
  parameters: readonly (string | null)[] = [],
  portal = "",
  resultFormats: readonly (0 | 1)[] = [],
): Message {
  const bytes = frontend.bind(statement, parameters, portal, resultFormats);
  return message("bind", [statement, parameters, portal, resultFormats], bytes);
}

export function execute(portal = "", rowsMax = 0): Message {
  return message("execute", [portal, rowsMax], frontend.execute(portal, rowsMax));
}

export function describeStatement(name: string): Message {
  return message("describeStatement", [name], frontend.describeStatement(name));
}

export function describePortal(name: string): Message {
  return message("describePortal", [name], frontend.describePortal(name));
}

export function closeStatement(name: string): Message {
  return message("closeStatement", [name], frontend.closeStatement(name));
}

export function closePortal(name: string): Message {
  return message("closePortal", [name], frontend.closePortal(name));
}

export function copyData(text: string): Message {
  return message("copyData", [text], frontend.copyData(text));
}

export function copyFail(reason: string): Message {
  return message("copyFail", [reason], frontend.copyFail(reason));
}

/** Binary arguments and a binary result. */
export function functionCall(functionOid: number, ...args: readonly number[]): Message {
  const bytes = frontend.functionCall(functionOid, args.map(frontend.int32));
  return message("functionCall", [functionOid, ...args], bytes, 1);
}

export const sync: Message = { source: "sync", bytes: frontend.sync, ready: 1 };
export const flush: Message = { source: "flush", bytes: frontend.flush, ready: 0 };
export const copyDone: Message = { source: "copyDone", bytes: frontend.copyDone, ready: 0 };

/** Bind and Execute of a named statement, without a Sync. */
export function run(statement: string, ...parameters: readonly (string | null)[]): Message[] {
  return [bind(statement, parameters), execute()];
}

/** Parse, Bind, Describe, Execute of the unnamed statement, and Sync: what drivers send for a query. */
export function extended(sql: string, ...parameters: readonly (string | null)[]): Message[] {
  return [parse("", sql), bind("", parameters), describePortal(""), execute(), sync];
}

function message(
  name: string,
  args: readonly unknown[],
  bytes: Uint8Array,
  ready: 0 | 1 = 0,
): Message {
  return {
    source: `${name}(${args.map((each) => JSON.stringify(each)).join(", ")})`,
    bytes,
    ready,
  };
}
