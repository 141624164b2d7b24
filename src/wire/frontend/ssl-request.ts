/**
 * SSLRequest: `Int32(8) Int32(80877103)`. Answered by one byte: `S` for yes, `N` for no.
 * There is nothing to read: `classifyStartup` has checked all of it.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { REQUEST_CODE } from "./request-code.ts";

/** Appends an SSLRequest. */
export function writeSSLRequest(writer: ByteWriter): void {
  writer.beginUntyped();
  writer.int32(REQUEST_CODE.SSLRequest);
  writer.end();
}
