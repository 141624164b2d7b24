/**
 * The same error ends one connection and is only an answer on another: what the client is told of it.
 */

import type { PoolerError, Severity } from "../base/pooler-error.ts";
import { errorResponseOf, writeErrorResponse } from "../wire/backend/error-response.ts";
import { ByteWriter } from "../wire/byte-writer.ts";

/** Returns the ErrorResponse of `error` with this severity. */
export function withSeverity(error: PoolerError, severity: Severity): Uint8Array {
  if (error.severity === severity) return errorResponseOf(error);
  const writer = new ByteWriter();
  const { sqlstate, message, detail, hint } = error;
  writeErrorResponse(writer, { severity, sqlstate, message, detail, hint });
  return writer.take();
}
