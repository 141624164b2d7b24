/**
 * Replies that the pooler owes a client without the server knowing: to what a server has already, to what only a
 * client has, and to what is known of a statement that the server lacks. They are sent in their turn.
 */

import { CLOSE_COMPLETE, PARSE_COMPLETE } from "../../wire/backend/empty-replies.ts";
import { EXPECTED, type ExpectedKind, type ExpectedNote } from "./expected-reply.ts";

/** Returns the bytes of a reply that is ours to send; null where `kind` is the server's, or nothing is owed. */
export function knownReply(kind: ExpectedKind, note: ExpectedNote): Uint8Array | null {
  switch (kind) {
    case EXPECTED.parseKnown:
      return PARSE_COMPLETE;
    case EXPECTED.closeKnown:
      return CLOSE_COMPLETE;
    case EXPECTED.describeKnown:
      return note instanceof Uint8Array ? note : null;
    default:
      return null;
  }
}
