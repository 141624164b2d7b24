/**
 * The header of a typed message: `Byte1(type) Int32(length)`, the length counting itself.
 * Called for every frame of every chunk: no allocation.
 */

import { readUint32 } from "./bytes.ts";
import {
  AUTHENTICATION_LENGTH_MAX,
  LARGE_MESSAGE_LENGTH_MAX,
  LENGTH_FIELD_BYTES,
  SMALL_MESSAGE_LENGTH_MAX,
} from "./limits.ts";
import { FRONTEND } from "./message-type.ts";
import { ProtocolError } from "./protocol-error.ts";

/**
 * Returns the offset one past the message whose type byte is at `start`; it may lie beyond what has
 * arrived. The whole header must have.
 * @throws {ProtocolError} on a length below 4 or beyond what PostgreSQL accepts.
 */
export function messageEnd(bytes: Uint8Array, start: number): number {
  const length = readUint32(bytes, start + 1);
  if (length < LENGTH_FIELD_BYTES || length > LARGE_MESSAGE_LENGTH_MAX) {
    throw new ProtocolError("invalid message length");
  }
  return start + 1 + length;
}

/** Returns the largest length that PostgreSQL accepts in a frontend message of this type, 0 for an unknown one. */
export function frontendLengthMax(type: number): number {
  switch (type) {
    case FRONTEND.Query:
    case FRONTEND.Parse:
    case FRONTEND.Bind:
    case FRONTEND.FunctionCall:
    case FRONTEND.CopyData:
      return LARGE_MESSAGE_LENGTH_MAX;
    case FRONTEND.Execute:
    case FRONTEND.Describe:
    case FRONTEND.Close:
    case FRONTEND.Sync:
    case FRONTEND.Flush:
    case FRONTEND.Terminate:
    case FRONTEND.CopyDone:
    case FRONTEND.CopyFail:
      return SMALL_MESSAGE_LENGTH_MAX;
    case FRONTEND.PasswordMessage:
      return AUTHENTICATION_LENGTH_MAX;
    default:
      return 0;
  }
}
