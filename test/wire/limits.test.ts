import { describe, expect, test } from "bun:test";
import * as limits from "../../src/wire/limits.ts";

describe("limits", () => {
  test("have the values that PostgreSQL has", () => {
    expect(limits.STARTUP_PACKET_BYTES_MAX - limits.LENGTH_FIELD_BYTES).toBe(10_000);
    expect(limits.AUTHENTICATION_LENGTH_MAX).toBe(65_535);
    expect(limits.SMALL_MESSAGE_LENGTH_MAX).toBe(10_000);
    expect(limits.LARGE_MESSAGE_LENGTH_MAX).toBe(1024 ** 3 - 2);
    expect(limits.SHORT_REPLY_LENGTH_MAX).toBe(30_000);
    expect(limits.CANCEL_REQUEST_BYTES_MAX).toBe(268);
  });

  test("grow with what is known of the peer", () => {
    expect(limits.STARTUP_PACKET_BYTES_MAX).toBeLessThan(limits.AUTHENTICATION_LENGTH_MAX);
    expect(limits.AUTHENTICATION_LENGTH_MAX).toBeLessThan(limits.LARGE_MESSAGE_LENGTH_MAX);
  });

  test("leave room for the smallest of each kind", () => {
    expect(limits.CANCEL_KEY_BYTES_MIN).toBeLessThan(limits.CANCEL_KEY_BYTES_MAX);
    expect(limits.CANCEL_REQUEST_BYTES_MAX).toBeLessThan(limits.STARTUP_PACKET_BYTES_MAX);
    expect(limits.CANCEL_REQUEST_HEAD_BYTES).toBeGreaterThan(limits.STARTUP_PACKET_BYTES_MIN);
    expect(limits.STARTUP_PACKET_BYTES_MAX).toBeLessThan(limits.ERROR_RESPONSE_READ_BYTES_MAX);
  });

  test("fit the fields that carry them", () => {
    expect(limits.HEADER_BYTES).toBe(5);
    expect(limits.COUNT_MAX).toBe(2 ** 16 - 1);
    expect(limits.LARGE_MESSAGE_LENGTH_MAX).toBeLessThan(2 ** 31);
  });

  test("keep every offset in a chunk a small integer", () => {
    expect(2 * limits.LARGE_MESSAGE_LENGTH_MAX).toBeLessThan(2 ** 31);
  });

  test("keep a startup packet from looking like text: its first byte is zero", () => {
    expect(limits.STARTUP_PACKET_BYTES_MAX).toBeLessThan(2 ** 24);
  });
});
