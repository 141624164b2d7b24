/**
 * The replies that have no body, ready to send: `Byte1(type) Int32(4)`.
 * Shared by all connections: never write into them.
 */

import { emptyMessage } from "../empty-message.ts";
import { BACKEND } from "../message-type.ts";

export const PARSE_COMPLETE = emptyMessage(BACKEND.ParseComplete);
export const BIND_COMPLETE = emptyMessage(BACKEND.BindComplete);
export const CLOSE_COMPLETE = emptyMessage(BACKEND.CloseComplete);
export const NO_DATA = emptyMessage(BACKEND.NoData);
export const EMPTY_QUERY_RESPONSE = emptyMessage(BACKEND.EmptyQueryResponse);
export const PORTAL_SUSPENDED = emptyMessage(BACKEND.PortalSuspended);
export const COPY_DONE = emptyMessage(BACKEND.CopyDone);
