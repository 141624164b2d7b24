/**
 * ParameterStatus: `Byte1('S') Int32(length) String(name) String(value)`.
 * A setting that the server reports, at login and whenever it changes.
 */

import { ByteWriter } from "../byte-writer.ts";
import { HEADER_BYTES, SHORT_REPLY_LENGTH_MAX } from "../limits.ts";
import { MessageReader } from "../message-reader.ts";
import { BACKEND } from "../message-type.ts";
import { ProtocolError } from "../protocol-error.ts";

export interface ParameterStatus {
  readonly name: string;
  readonly value: string;
}

/** Appends a ParameterStatus. */
export function writeParameterStatus(writer: ByteWriter, name: string, value: string): void {
  writer.begin(BACKEND.ParameterStatus);
  writer.cstring(name);
  writer.cstring(value);
  writer.end();
}

/** Returns a ParameterStatus for each of these. */
export function parameterStatuses(parameters: Iterable<readonly [string, string]>): Uint8Array {
  const writer = new ByteWriter();
  for (const [name, value] of parameters) writeParameterStatus(writer, name, value);
  return writer.take();
}

/**
 * Returns the setting.
 * @throws {ProtocolError} when the body is malformed, or longer than libpq takes it:
 * these are kept, so a hostile server must not choose how much.
 */
export function readParameterStatus(
  bytes: Uint8Array,
  start: number,
  end: number,
): ParameterStatus {
  if (end - start > 1 + SHORT_REPLY_LENGTH_MAX) throw new ProtocolError("invalid message length");
  const reader = new MessageReader(bytes, start + HEADER_BYTES, end);
  const status = { name: reader.cstring(), value: reader.cstring() };
  reader.finish();
  return status;
}
