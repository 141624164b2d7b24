/**
 * Counted lists of type OIDs, as Parse and ParameterDescription carry them: `Int16(count) Int32[count]`.
 */

import { assert } from "../base/assert.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { COUNT_MAX } from "./limits.ts";
import type { MessageReader } from "./message-reader.ts";

/** Appends a counted list of OIDs. */
export function writeOids(writer: ByteWriter, oids: readonly number[]): void {
  assert(oids.length <= COUNT_MAX, "the count fits its field");
  writer.int16(oids.length);
  for (const oid of oids) writer.int32(oid);
}

/** Reads a counted list of OIDs, each 0 to 2^32 - 1. */
export function readOids(reader: MessageReader): number[] {
  const count = reader.uint16();
  const oids: number[] = [];
  for (let index = 0; index < count; index++) oids.push(reader.uint32());
  return oids;
}
