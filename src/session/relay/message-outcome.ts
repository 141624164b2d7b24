/**
 * What became of one message of a client, as those who deal with it tell the {@link FrontendRelay}.
 */

export const OUTCOME = {
  /** It is done with. If more of it is to come, that is dropped. */
  taken: 0,
  /** It was passed on as far as it is there; what is to come follows as it is. */
  passedOn: 1,
  /** It waits for a server. Nothing of it counts as read. */
  needsServer: 2,
  /** It waits until nothing is owed. Nothing of it counts as read. */
  needsReplies: 3,
  /** The client ends its connection. */
  terminated: 4,
  /** The client broke the protocol, in one of three ways. */
  invalidType: 5,
  invalidLength: 6,
  invalidFormat: 7,
} as const;

/** One of {@link OUTCOME}. */
export type Outcome = number;

/** As PostgreSQL reads on: what came before is carried out first. */
export function inTurn(
  outcome: Outcome,
  { owesClient }: { readonly owesClient: boolean },
): Outcome {
  return owesClient ? OUTCOME.needsReplies : outcome;
}

/** Returns how PostgreSQL puts it that a message of this type breaks the protocol; for one of the three outcomes. */
export function violationOf(outcome: Outcome, type: number): string {
  if (outcome === OUTCOME.invalidLength) return "invalid message length";
  if (outcome === OUTCOME.invalidFormat) return "invalid message format";
  return `invalid frontend message type ${type}`;
}
