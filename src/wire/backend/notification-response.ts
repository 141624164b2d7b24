/**
 * NotificationResponse: `Byte1('A') Int32(length) Int32(process ID) String(channel) String(payload)`.
 * What a LISTEN has asked for. May come at any time outside a transaction's block.
 */

import type { ByteWriter } from "../byte-writer.ts";
import { HEADER_BYTES } from "../limits.ts";
import { MessageReader } from "../message-reader.ts";
import { BACKEND } from "../message-type.ts";

export interface NotificationResponse {
  /** The notifying server process. */
  readonly processId: number;
  readonly channel: string;
  readonly payload: string;
}

/** Appends a NotificationResponse. */
export function writeNotificationResponse(
  writer: ByteWriter,
  notification: NotificationResponse,
): void {
  writer.begin(BACKEND.NotificationResponse);
  writer.int32(notification.processId);
  writer.cstring(notification.channel);
  writer.cstring(notification.payload);
  writer.end();
}

/** Returns the notification. @throws {ProtocolError} when the body is malformed. */
export function readNotificationResponse(
  bytes: Uint8Array,
  start: number,
  end: number,
): NotificationResponse {
  const reader = new MessageReader(bytes, start + HEADER_BYTES, end);
  const notification = {
    processId: reader.int32(),
    channel: reader.cstring(),
    payload: reader.cstring(),
  };
  reader.finish();
  return notification;
}
