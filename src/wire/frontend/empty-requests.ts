/**
 * The frontend messages that have no body, ready to send: `Byte1(type) Int32(4)`.
 * Shared by all connections: never write into them. They are checked with `readEmptyMessage`.
 */

import { emptyMessage } from "../empty-message.ts";
import { FRONTEND } from "../message-type.ts";

export const SYNC = emptyMessage(FRONTEND.Sync);
export const FLUSH = emptyMessage(FRONTEND.Flush);
export const TERMINATE = emptyMessage(FRONTEND.Terminate);
export const COPY_DONE = emptyMessage(FRONTEND.CopyDone);
