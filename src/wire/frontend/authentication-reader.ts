/**
 * What the messages of type `p` have in common: they come from somebody who is not known yet.
 */

import { AUTHENTICATION_LENGTH_MAX, HEADER_BYTES } from "../limits.ts";
import { MessageReader } from "../message-reader.ts";
import { ProtocolError } from "../protocol-error.ts";

/**
 * Returns a reader of the body of the message in `[start, end)`.
 * @throws {ProtocolError} when it is longer than {@link AUTHENTICATION_LENGTH_MAX}.
 */
export function authenticationResponseReader(
  bytes: Uint8Array,
  start: number,
  end: number,
): MessageReader {
  if (end - start > 1 + AUTHENTICATION_LENGTH_MAX)
    throw new ProtocolError("invalid message length");
  return new MessageReader(bytes, start + HEADER_BYTES, end);
}
