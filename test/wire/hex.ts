/**
 * Messages as a person reads them: hexadecimal, and text in quotes.
 */

import { ByteWriter } from "../../src/wire/byte-writer.ts";

/**
 * Returns the bytes of a dump such as `5a 00000005 'I'`: hexadecimal digits in pairs, text between single quotes.
 */
export function hex(dump: string): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  for (const [piece] of dump.matchAll(/'[^']*'|[^\s']+/gu)) {
    if (piece.startsWith("'")) writer.text(piece.slice(1, -1));
    else writer.bytes(Uint8Array.fromHex(piece));
  }
  return writer.take();
}

/** Returns what `write` writes. */
export function written(write: (writer: ByteWriter) => void): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  write(writer);
  return writer.take();
}

/** Calls `read` on all of `bytes`. */
export function readWhole<Result>(
  read: (bytes: Uint8Array, start: number, end: number) => Result,
  bytes: Uint8Array,
): Result {
  return read(bytes, 0, bytes.length);
}
