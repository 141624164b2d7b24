/**
 * The body of Describe and Close: `Byte1('S' | 'P') String(name)`.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { HEADER_BYTES } from "../limits.ts";
import { MessageReader } from "../message-reader.ts";
import { ProtocolError } from "../protocol-error.ts";

const STATEMENT = 0x53; // S
const PORTAL = 0x50; // P

export interface StatementOrPortal {
  readonly kind: "statement" | "portal";
  /** Empty for the unnamed one. */
  readonly name: string;
}

/** Appends a message of this type that names `target`. */
export function writeStatementOrPortal(
  writer: ByteWriter,
  type: number,
  target: StatementOrPortal,
): void {
  writer.begin(type);
  writer.byte(target.kind === "statement" ? STATEMENT : PORTAL);
  writer.cstring(target.name);
  writer.end();
}

/**
 * Returns what the message in `[start, end)` names.
 * @throws {ProtocolError} on a malformed body; with `wrongKind` as its text, on a kind other than the two.
 */
export function readStatementOrPortal(
  bytes: Uint8Array,
  start: number,
  end: number,
  wrongKind: string,
): StatementOrPortal {
  const reader = new MessageReader(bytes, start + HEADER_BYTES, end);
  const kind = reader.byte();
  if (kind !== STATEMENT && kind !== PORTAL) throw new ProtocolError(wrongKind);
  const name = reader.cstring();
  reader.finish();
  return { kind: kind === STATEMENT ? "statement" : "portal", name };
}
