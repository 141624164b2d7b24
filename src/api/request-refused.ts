/**
 * A request that is not done, for a reason of HTTP's own. What the verbs refuse has its classes in
 * `control/control-errors.ts`.
 */

export type RefusalStatus = 400 | 401 | 403 | 405 | 409 | 413 | 415 | 422 | 429 | 503;

export class RequestRefused extends Error {
  override readonly name = "RequestRefused";
  readonly status: RefusalStatus;
  readonly headers: Readonly<Record<string, string>>;

  /** @param reason a sentence for the client that repeats nothing of what it sent */
  constructor(
    status: RefusalStatus,
    reason: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(reason);
    this.status = status;
    this.headers = headers;
  }
}
