/**
 * A client can't be let in, since nobody can say whether there is room for it.
 */

import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";

export class SupervisorSilentError extends PoolerError {
  constructor(reason: string) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.cannot_connect_now,
      message: "the pooler can't count its clients at the moment",
      hint: "Connect again in a moment.",
      logText: `the supervisor did not say whether there is room for a client: ${reason}`,
    });
  }
}

/** The answer may still come. */
export class LateAnswerError extends SupervisorSilentError {
  constructor() {
    super("no answer in time");
  }
}
