/**
 * What a client sends, one call a message, as bytes.
 */

import { ByteWriter } from "../../../src/wire/byte-writer.ts";
import { writeBind } from "../../../src/wire/frontend/bind.ts";
import { writeClose } from "../../../src/wire/frontend/close.ts";
import { writeCopyData } from "../../../src/wire/frontend/copy-data.ts";
import { writeCopyFail } from "../../../src/wire/frontend/copy-fail.ts";
import { writeDescribe } from "../../../src/wire/frontend/describe.ts";
import { writeExecute } from "../../../src/wire/frontend/execute.ts";
import { writeFunctionCall } from "../../../src/wire/frontend/function-call.ts";
import { writeParse } from "../../../src/wire/frontend/parse.ts";
import { writeQuery } from "../../../src/wire/frontend/query.ts";
import { Memo } from "./memo.ts";

/** Empty between two messages. */
const WRITER = new ByteWriter();
const ENCODER = new TextEncoder();

function written(write: (writer: ByteWriter) => void): Uint8Array {
  WRITER.reset();
  write(WRITER);
  return WRITER.take();
}

const QUERIES = new Memo((sql) => written((writer) => writeQuery(writer, sql)));

/** The same array for the same text: not to be written to. */
export function query(sql: string): Uint8Array {
  return QUERIES.get(sql);
}

export function parse(
  statement: string,
  sql: string,
  parameterTypeOids: readonly number[] = [],
): Uint8Array {
  return written((writer) => writeParse(writer, { statement, query: sql, parameterTypeOids }));
}

export function bind(portal: string, statement: string, parameters: readonly string[] = []) {
  const values = parameters.map((value) => ENCODER.encode(value));
  const formats = { parameterFormats: [], parameters: values, resultFormats: [] };
  return written((writer) => writeBind(writer, { portal, statement, ...formats }));
}

export function describeStatement(name: string): Uint8Array {
  return written((writer) => writeDescribe(writer, { kind: "statement", name }));
}

export function describePortal(name: string): Uint8Array {
  return written((writer) => writeDescribe(writer, { kind: "portal", name }));
}

export function closeStatement(name: string): Uint8Array {
  return written((writer) => writeClose(writer, { kind: "statement", name }));
}

export function closePortal(name: string): Uint8Array {
  return written((writer) => writeClose(writer, { kind: "portal", name }));
}

export function execute(portal = "", rowsMax = 0): Uint8Array {
  return written((writer) => writeExecute(writer, portal, rowsMax));
}

export function functionCall(functionOid: number): Uint8Array {
  const call = { functionOid, argumentFormats: [], arguments: [], resultFormat: 0 } as const;
  return written((writer) => writeFunctionCall(writer, call));
}

export function copyData(text: string): Uint8Array {
  return written((writer) => writeCopyData(writer, ENCODER.encode(text)));
}

export function copyFail(message: string): Uint8Array {
  return written((writer) => writeCopyFail(writer, message));
}

/** Parse, Bind, Describe, Execute of the unnamed statement and portal, without a Sync. */
export function unnamedQuery(sql: string): Uint8Array {
  return joined(parse("", sql), bind("", ""), describePortal(""), execute());
}

/** Returns the messages one behind the other. */
export function joined(...messages: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const bytes of messages) length += bytes.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const bytes of messages) {
    whole.set(bytes, at);
    at += bytes.length;
  }
  return whole;
}
