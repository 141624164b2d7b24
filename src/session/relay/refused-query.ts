/**
 * A Query that PostgreSQL refuses in any state of a transaction (42601), sent in the stead of one that we refuse: so
 * the transaction fails as it would, and the order of replies is PostgreSQL's. Our words replace its error.
 */

import { ByteWriter } from "../../wire/byte-writer.ts";
import { writeQuery } from "../../wire/frontend/query.ts";

/** The whole message. Never to be written to. */
export const REFUSED_QUERY: Uint8Array = refusedQuery();

function refusedQuery(): Uint8Array {
  const writer = new ByteWriter();
  writeQuery(writer, "refused by carpool");
  return writer.take();
}
