/**
 * A server that ended a SCRAM exchange with an error of its own (`e=`, RFC 5802 section 7).
 * PostgreSQL sends an ErrorResponse instead; other servers of its protocol need not.
 */

import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";

const SCRAM_ERRORS = [
  "invalid-encoding",
  "extensions-not-supported",
  "invalid-proof",
  "channel-bindings-dont-match",
  "server-does-support-channel-binding",
  "channel-binding-not-supported",
  "unsupported-channel-binding-type",
  "unknown-user",
  "invalid-username-encoding",
  "no-resources",
  "other-error",
] as const;

/** The values of `e=` that RFC 5802 defines. */
export type ScramErrorValue = (typeof SCRAM_ERRORS)[number];

export class ServerRejectionError extends PoolerError {
  readonly value: ScramErrorValue;

  constructor(value: ScramErrorValue) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.sqlserver_rejected_establishment_of_sqlconnection,
      message: "the server rejected the SCRAM authentication",
      detail: `The server reported "${value}".`,
    });
    this.value = value;
  }
}

/** Returns the value that `text` spells; one that is not defined means "other-error". */
export function readScramErrorValue(text: string): ScramErrorValue {
  return SCRAM_ERRORS.find((value) => value === text) ?? "other-error";
}
