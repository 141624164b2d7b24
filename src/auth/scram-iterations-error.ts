/**
 * A server that asks for more PBKDF2 work than a login may cost (the cause of CVE-2026-6669).
 */

import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";

export class ScramIterationsError extends PoolerError {
  constructor(iterations: number, iterationsMax: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.configuration_limit_exceeded,
      message: "the server requires too many SCRAM iterations",
      detail: `The server requires ${iterations} iterations, the limit is ${iterationsMax}.`,
      hint: 'Lower the server\'s "scram_iterations" and set the password anew, or raise the limit.',
    });
  }
}
