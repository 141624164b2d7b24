import { describe, expect, test } from "bun:test";
import { EXPECTED } from "../../../src/session/relay/expected-reply.ts";
import { ABOVE_LIMIT, neededOfReply } from "../../../src/session/relay/reply-limits.ts";
import { BACKEND } from "../../../src/wire/message-type.ts";

const HUGE = 1_000_000;

describe("a server's message", () => {
  test("goes on as it comes where nobody reads it, however long it is", () => {
    expect(neededOfReply(BACKEND.DataRow, EXPECTED.query, HUGE)).toBe(0);
    expect(neededOfReply(BACKEND.RowDescription, EXPECTED.describeRows, HUGE)).toBe(0);
    expect(neededOfReply(BACKEND.CopyData, EXPECTED.query, HUGE)).toBe(0);
  });

  test("waits for its last byte where it is read", () => {
    expect(neededOfReply(BACKEND.ReadyForQuery, EXPECTED.sync, 6)).toBe(6);
    expect(neededOfReply(BACKEND.ParameterStatus, EXPECTED.query, 40)).toBe(40);
    expect(neededOfReply(BACKEND.ErrorResponse, EXPECTED.query, 100)).toBe(100);
    expect(neededOfReply(BACKEND.DataRow, EXPECTED.ownQuery, 100)).toBe(100);
  });

  test("is not read where it is longer than what is read, and may be", () => {
    expect(neededOfReply(BACKEND.ErrorResponse, EXPECTED.query, HUGE)).toBe(0);
    expect(neededOfReply(BACKEND.CommandComplete, EXPECTED.query, HUGE)).toBe(0);
  });

  test.each([
    ["a ReadyForQuery", BACKEND.ReadyForQuery, EXPECTED.sync, 7],
    ["a ParameterStatus", BACKEND.ParameterStatus, EXPECTED.query, 40_000],
    ["a row of a query of ours", BACKEND.DataRow, EXPECTED.ownQuery, 65_537],
    ["an error of one", BACKEND.ErrorResponse, EXPECTED.ownQuery, 65_537],
    ["a description for us", BACKEND.RowDescription, EXPECTED.ownDescribe, 300_000],
  ] as const)("may not be longer than its limit: %s", (_, type, head, messageBytes) => {
    expect(neededOfReply(type, head, messageBytes)).toBe(ABOVE_LIMIT);
  });

  test("that describes a statement for us may be longer than other replies to us", () => {
    expect(neededOfReply(BACKEND.RowDescription, EXPECTED.ownDescribe, 200_000)).toBe(200_000);
    expect(neededOfReply(BACKEND.DataRow, EXPECTED.ownQuery, 200_000)).toBe(ABOVE_LIMIT);
  });
});
