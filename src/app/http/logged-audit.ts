/**
 * The audit as lines of the log, which no LOG_LEVEL leaves out.
 */

import type { LogFields } from "../../base/logger.ts";
import type { AuditLog, AuditRecord } from "../../control/audit.ts";

/** What is asked of the program's log. */
export interface UnfilteredLog {
  /** Writes a line whatever the level. */
  always(fields: LogFields, message: string): void;
}

export class LoggedAudit implements AuditLog {
  readonly #log: UnfilteredLog;

  constructor(log: UnfilteredLog) {
    this.#log = log;
  }

  /** `changes` is JSON in one field: a line of pino's is flat, and so are the tables it ends in. */
  write({ actor, action, subject, changes }: AuditRecord): void {
    const { name, address } = actor;
    this.#log.always(
      { audit: action, subject, actor: name, address, changes: JSON.stringify(changes) },
      `${action} ${subject} by ${name}`,
    );
  }
}
