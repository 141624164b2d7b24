/**
 * What a server sends, one call a message, as bytes; and a reader that makes them readable in a
 * failed comparison.
 */

import {
  BIND_COMPLETE,
  CLOSE_COMPLETE,
  NO_DATA,
  PARSE_COMPLETE,
} from "../../../src/wire/backend/empty-replies.ts";
import { writeErrorResponse } from "../../../src/wire/backend/error-response.ts";
import { writeParameterStatus } from "../../../src/wire/backend/parameter-status.ts";
import { ByteWriter } from "../../../src/wire/byte-writer.ts";
import { readInt32 } from "../../../src/wire/bytes.ts";
import { BACKEND, nameOfBackend } from "../../../src/wire/message-type.ts";

export { BIND_COMPLETE, CLOSE_COMPLETE, NO_DATA, PARSE_COMPLETE };

/** Empty between two messages. */
const WRITER = new ByteWriter();

function written(write: (writer: ByteWriter) => void): Uint8Array {
  WRITER.reset();
  write(WRITER);
  return WRITER.take();
}

/** Returns a message of any type with any body. */
export function message(type: number, ...body: readonly (string | Uint8Array)[]): Uint8Array {
  return written((writer) => {
    writer.begin(type);
    for (const part of body) {
      if (typeof part === "string") writer.text(part);
      else writer.bytes(part);
    }
    writer.end();
  });
}

export function readyForQuery(status: "I" | "T" | "E"): Uint8Array {
  return message(BACKEND.ReadyForQuery, status);
}

export function commandComplete(tag: string): Uint8Array {
  return message(BACKEND.CommandComplete, `${tag}\0`);
}

export function dataRow(...values: readonly string[]): Uint8Array {
  return written((writer) => {
    writer.begin(BACKEND.DataRow);
    writer.int16(values.length);
    for (const value of values) writer.sizedText(value);
    writer.end();
  });
}

/** A RowDescription of so many columns; its details mean nothing. */
export function rowDescription(columns: number): Uint8Array {
  return written((writer) => {
    writer.begin(BACKEND.RowDescription);
    writer.int16(columns);
    for (let column = 0; column < columns; column += 1) {
      writer.cstring(`column ${column}`);
      writer.bytes(new Uint8Array(18));
    }
    writer.end();
  });
}

export function errorResponse(
  sqlstate: string,
  text: string,
  severity: "ERROR" | "FATAL" = "ERROR",
): Uint8Array {
  return written((writer) => {
    writeErrorResponse(writer, { severity, sqlstate, message: text });
  });
}

export function parameterStatus(name: string, value: string): Uint8Array {
  return written((writer) => {
    writeParameterStatus(writer, name, value);
  });
}

/** Returns one line for each message: its name and its body's printable characters. */
export function transcript(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  let at = 0;
  while (at + 5 <= bytes.length) {
    const end = at + 1 + readInt32(bytes, at + 1);
    const body = Buffer.from(bytes.subarray(at + 5, end)).toString("latin1");
    const shown = body.length > 80 ? `${body.slice(0, 80)}… ${body.length} bytes` : body;
    lines.push(`${nameOfBackend(bytes[at] ?? 0)} ${shown.replaceAll(/[^\x20-\x7e…]+/g, "·")}`);
    at = end;
  }
  if (at < bytes.length) lines.push(`${bytes.length - at} bytes of a message that is cut`);
  return lines;
}
