/**
 * What a client sends, as bytes: one short function per message, for scripts that read like a trace.
 */

import { ByteWriter } from "../../src/wire/byte-writer.ts";
import { type Bind, writeBind } from "../../src/wire/frontend/bind.ts";
import { writeClose } from "../../src/wire/frontend/close.ts";
import { writeCopyData } from "../../src/wire/frontend/copy-data.ts";
import { writeCopyFail } from "../../src/wire/frontend/copy-fail.ts";
import { writeDescribe } from "../../src/wire/frontend/describe.ts";
import { COPY_DONE, FLUSH, SYNC, TERMINATE } from "../../src/wire/frontend/empty-requests.ts";
import { writeExecute } from "../../src/wire/frontend/execute.ts";
import { writeFunctionCall } from "../../src/wire/frontend/function-call.ts";
import { writeParse } from "../../src/wire/frontend/parse.ts";
import { writeQuery } from "../../src/wire/frontend/query.ts";

export const sync: Uint8Array = SYNC;
export const flush: Uint8Array = FLUSH;
export const terminate: Uint8Array = TERMINATE;
export const copyDone: Uint8Array = COPY_DONE;

const encoder = new TextEncoder();

export function query(sql: string): Uint8Array {
  return written((writer) => writeQuery(writer, sql));
}

export function parse(name: string, sql: string, parameterTypeOids: readonly number[] = []) {
  return written((writer) =>
    writeParse(writer, { statement: name, query: sql, parameterTypeOids }),
  );
}

/** Text parameters and text results, unless formats are given. */
export function bind(
  statement: string,
  parameters: readonly (string | null)[] = [],
  portal = "",
  resultFormats: Bind["resultFormats"] = [],
): Uint8Array {
  const values = parameters.map((text) => (text === null ? null : encoder.encode(text)));
  const bound: Bind = {
    portal,
    statement,
    parameterFormats: [],
    parameters: values,
    resultFormats,
  };
  return written((writer) => writeBind(writer, bound));
}

export function execute(portal = "", rowsMax = 0): Uint8Array {
  return written((writer) => writeExecute(writer, portal, rowsMax));
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

export function copyData(text: string): Uint8Array {
  return written((writer) => writeCopyData(writer, encoder.encode(text)));
}

export function copyFail(reason: string): Uint8Array {
  return written((writer) => writeCopyFail(writer, reason));
}

/** Binary arguments and a binary result. */
export function functionCall(functionOid: number, args: readonly Uint8Array[]): Uint8Array {
  return written((writer) =>
    writeFunctionCall(writer, {
      functionOid,
      argumentFormats: [1],
      arguments: args,
      resultFormat: 1,
    }),
  );
}

/** A message of any type: also of those that do not exist. */
export function message(type: number, body: Uint8Array = new Uint8Array(0)): Uint8Array {
  return written((writer) => {
    writer.begin(type);
    writer.bytes(body);
    writer.end();
  });
}

/** Parse, Bind, Describe, Execute of the unnamed statement, without a Sync. */
export function extended(sql: string, parameters: readonly (string | null)[] = []): Uint8Array {
  return join(parse("", sql), bind("", parameters), describePortal(""), execute());
}

export function int32(value: number): Uint8Array {
  return written((writer) => writer.int32(value));
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

function written(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  write(writer);
  return writer.take();
}
