/**
 * GSSENCRequest: `Int32(8) Int32(80877104)`. Answered by one byte: `G` for yes, `N` for no.
 * There is nothing to read: `classifyStartup` has checked all of it.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { REQUEST_CODE } from "./request-code.ts";

/** Appends a GSSENCRequest. */
export function writeGSSENCRequest(writer: ByteWriter): void {
  writer.beginUntyped();
  writer.int32(REQUEST_CODE.GSSENCRequest);
  writer.end();
}
