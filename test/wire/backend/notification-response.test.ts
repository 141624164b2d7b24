import { describe, expect, test } from "bun:test";
import {
  readNotificationResponse,
  writeNotificationResponse,
} from "../../../src/wire/backend/notification-response.ts";
import { hex, readWhole, written } from "../hex.ts";

describe("NotificationResponse", () => {
  test("has the bytes of the protocol docs", () => {
    const bytes = hex("'A' 0000000d 00000102 'ch' 00 'p' 00");
    const notification = { processId: 258, channel: "ch", payload: "p" };
    expect(written((it) => writeNotificationResponse(it, notification))).toEqual(bytes);
    expect(readWhole(readNotificationResponse, bytes)).toEqual(notification);
  });

  test.each([
    ["no payload", "'A' 0000000b 00000102 'ch' 00", "invalid string in message"],
    ["more than a payload", "'A' 0000000d 00000102 'ch' 00 00 00", "invalid message format"],
    ["half a process ID", "'A' 00000006 0001", "insufficient data left in message"],
  ])("is refused with %s", (_name, dump, message) => {
    expect(() => readWhole(readNotificationResponse, hex(dump))).toThrow(message);
  });
});
