/**
 * Why an embedded PostgreSQL could not be made, started or stopped. Read by whoever runs Carpool,
 * never by a client.
 */

/** `message` says what failed; below it stand PostgreSQL's own last words, where it had any. */
export class EmbeddedPostgresError extends Error {
  override readonly name = "EmbeddedPostgresError";
  /** What PostgreSQL wrote last: some lines, or "". */
  readonly logTail: string;

  constructor(summary: string, logTail = "") {
    super(logTail === "" ? summary : `${summary}\n${logTail}`);
    this.logTail = logTail;
  }
}
