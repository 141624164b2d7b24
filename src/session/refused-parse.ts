/**
 * A message that PostgreSQL refuses in any state of a transaction (42601), so that what it is part of
 * fails there, in its order: a Parse of the unnamed statement whose text is no SQL.
 */

import { ByteWriter } from "../wire/byte-writer.ts";
import { writeParse } from "../wire/frontend/parse.ts";

/** The whole message. Never to be written to. Replaces the server's unnamed statement by none. */
export const REFUSED_PARSE: Uint8Array = refusedParse();

function refusedParse(): Uint8Array {
  const writer = new ByteWriter();
  writeParse(writer, { statement: "", query: "refused by carpool", parameterTypeOids: [] });
  return writer.take();
}
