/**
 * What goes wrong with a link. None of it is for a client: whoever holds a channel says what a client is told.
 */

/** The other side sent what no link sends. It ends this link and nothing else. */
export class LinkProtocolError extends Error {
  override readonly name = "LinkProtocolError";
}

/** There is no link: the other side speaks another version, is nobody of ours, or said nothing in time. */
export class LinkHandshakeError extends Error {
  override readonly name = "LinkHandshakeError";
}

/**
 * - `refused`: the other side threw; the message is its words.
 * - `unanswered`: it did not answer in time, and may still do what it was asked.
 * - `lost`: the link is gone, and nobody knows what was done.
 * - `unsent`: it was not even asked.
 */
export type RequestFailure = "refused" | "unanswered" | "lost" | "unsent";

/** Why a request to the other side has no answer. */
export class LinkRequestError extends Error {
  override readonly name = "LinkRequestError";
  readonly failure: RequestFailure;

  constructor(failure: RequestFailure, message: string) {
    super(message);
    this.failure = failure;
  }
}
