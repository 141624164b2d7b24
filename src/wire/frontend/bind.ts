/**
 * Bind: `Byte1('B') Int32(length) String(portal) String(statement) Int16(n) Int16[n](parameter formats)
 * Int16(n)` then for each parameter `Int32(length) Byte[length]`, `Int16(n) Int16[n](result formats)`.
 *
 * Parameters can be huge. A pooler that only gives the statement another name uses {@link writeBindHead} and
 * passes the rest on as it comes.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { findNul } from "../bytes.ts";
import { type FormatCode, readFormatCodes, writeFormatCodes } from "../format-code.ts";
import { HEADER_BYTES, LARGE_MESSAGE_LENGTH_MAX } from "../limits.ts";
import { messageEnd } from "../message-header.ts";
import { MessageReader } from "../message-reader.ts";
import { FRONTEND } from "../message-type.ts";
import { ProtocolError } from "../protocol-error.ts";
import { readValues, type Value, type WritableValue, writeValues } from "../value-list.ts";

export interface Bind<Parameter extends WritableValue = Value> {
  /** Empty for the unnamed portal. */
  readonly portal: string;
  /** Empty for the unnamed statement. */
  readonly statement: string;
  /** None: all are text. One: it holds for all. Else one for each parameter. */
  readonly parameterFormats: readonly FormatCode[];
  readonly parameters: readonly Parameter[];
  /** None: all are text. One: it holds for all. Else one for each result column. */
  readonly resultFormats: readonly FormatCode[];
}

/** Appends a Bind. */
export function writeBind(writer: ByteWriter, bind: Bind<WritableValue>): void {
  writer.begin(FRONTEND.Bind);
  writer.cstring(bind.portal);
  writer.cstring(bind.statement);
  writeFormatCodes(writer, bind.parameterFormats);
  writeValues(writer, bind.parameters);
  writeFormatCodes(writer, bind.resultFormats);
  writer.end();
}

/** Returns all of a Bind, its parameters copied. @throws {ProtocolError} when the body is malformed. */
export function readBind(bytes: Uint8Array, start: number, end: number): Bind {
  const reader = new MessageReader(bytes, start + HEADER_BYTES, end);
  const bind = {
    portal: reader.cstring(),
    statement: reader.cstring(),
    parameterFormats: readFormatCodes(reader),
    parameters: readValues(reader),
    resultFormats: readFormatCodes(reader),
  };
  reader.finish();
  const formats = bind.parameterFormats.length;
  if (formats > 1 && formats !== bind.parameters.length) {
    throw new ProtocolError(
      `bind message has ${formats} parameter formats but ${bind.parameters.length} parameters`,
    );
  }
  return bind;
}

/** The two names that a Bind begins with. */
export interface BindNames {
  readonly portal: string;
  readonly statement: string;
}

/**
 * Returns the names of the Bind at `start`, of which at least these must lie before `end`; its parameters
 * need not have arrived.
 * @throws {ProtocolError} when a name has no end before `end`.
 */
export function readBindNames(bytes: Uint8Array, start: number, end: number): BindNames {
  const reader = new MessageReader(bytes, start + HEADER_BYTES, end);
  return { portal: reader.cstring(), statement: reader.cstring() };
}

/**
 * Appends the Bind at `start` up to and with its statement name, for which it writes `statement` (a name of
 * ours), and a length that fits. Returns the offset in `bytes` from where the rest of the message is to follow
 * unchanged: at once by `writer.bytes`, or streamed. No message may be open in the writer.
 * @throws {ProtocolError} when a name has no end before `end`, or the message is too long; nothing is
 * written then.
 */
export function writeBindHead(
  writer: ByteWriter,
  bytes: Uint8Array,
  start: number,
  end: number,
  statement: string,
): number {
  const messageEndAt = messageEnd(bytes, start);
  const namesEnd = Math.min(end, messageEndAt);
  const statementAt = afterNul(bytes, start + HEADER_BYTES, namesEnd);
  const restAt = afterNul(bytes, statementAt, namesEnd);
  if (messageEndAt - start + statement.length > LARGE_MESSAGE_LENGTH_MAX) {
    throw new ProtocolError("invalid message length");
  }
  writer.begin(FRONTEND.Bind);
  writer.bytes(bytes, start + HEADER_BYTES, statementAt);
  writer.cstring(statement);
  writer.end(messageEndAt - restAt);
  return restAt;
}

/** Returns the offset behind the string that begins at `from`. */
function afterNul(bytes: Uint8Array, from: number, end: number): number {
  const nul = findNul(bytes, from, end);
  if (nul === -1) throw new ProtocolError("invalid string in message");
  return nul + 1;
}
