/**
 * Which messages of a server are read, and so are kept until they are whole, each under a limit. All others go on,
 * or are dropped, as they come.
 */

import {
  ERROR_RESPONSE_READ_BYTES_MAX,
  LARGE_MESSAGE_LENGTH_MAX,
  SHORT_REPLY_LENGTH_MAX,
} from "../../wire/limits.ts";
import { BACKEND } from "../../wire/message-type.ts";
import { COMMAND_TAG_BYTES_MAX } from "../effects/command-effects.ts";
import { EXPECTED, type ExpectedKind } from "./expected-reply.ts";
import { isOwn } from "./reply-notes.ts";

const READY_FOR_QUERY_BYTES = 6;

/** 65 535 parameters have 256 KB; 1664 columns, whose names have 63 bytes at most, less. */
const DESCRIPTION_BYTES_MAX = 262_144 + 64;

/** A reply to a query of ours longer than this is not one. */
const OWN_REPLY_BYTES_MAX = 65_536;

/** No server sends a longer message. */
export const REPLY_BYTES_MAX = LARGE_MESSAGE_LENGTH_MAX + 1;

/** What {@link neededOfReply} returns for a message that is longer than it may be. */
export const ABOVE_LIMIT = -1;

/**
 * Returns how many of the message's bytes must be there before it is read; 0: none, it is not read.
 * @param head what the server owes first, whatever the message is
 */
export function neededOfReply(type: number, head: ExpectedKind, messageBytes: number): number {
  if (isOwn(head))
    return within(
      head === EXPECTED.ownDescribe ? DESCRIPTION_BYTES_MAX : OWN_REPLY_BYTES_MAX,
      messageBytes,
    );
  switch (type) {
    case BACKEND.ReadyForQuery:
      return within(READY_FOR_QUERY_BYTES, messageBytes);
    case BACKEND.ErrorResponse:
      return messageBytes > ERROR_RESPONSE_READ_BYTES_MAX ? 0 : messageBytes;
    case BACKEND.ParameterStatus:
      return within(SHORT_REPLY_LENGTH_MAX, messageBytes);
    case BACKEND.CommandComplete:
      return messageBytes > COMMAND_TAG_BYTES_MAX ? 0 : messageBytes;
    default:
      return 0;
  }
}

function within(limit: number, messageBytes: number): number {
  return messageBytes <= limit ? messageBytes : ABOVE_LIMIT;
}
