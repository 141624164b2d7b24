/**
 * A message that PostgreSQL refuses in any state of a transaction (42601), so that what it is part of
 * fails there, in its order: a Parse of the unnamed statement whose text is no SQL.
 */

import { ByteWriter } from "../../wire/byte-writer.ts";
import { writeParse } from "../../wire/frontend/parse.ts";
import { STATEMENT_NAME_PREFIX } from "./statement.ts";

/** The whole message. Never to be written to. Named, or it would take the place of the unnamed statement. */
export const REFUSED_PARSE: Uint8Array = refusedParse();

function refusedParse(): Uint8Array {
  const writer = new ByteWriter();
  const statement = `${STATEMENT_NAME_PREFIX}.refused`;
  writeParse(writer, { statement, query: "refused by carpool", parameterTypeOids: [] });
  return writer.take();
}
