import { describe, expect, test } from "bun:test";
import {
  BIND_COMPLETE,
  CLOSE_COMPLETE,
  COPY_DONE,
  EMPTY_QUERY_RESPONSE,
  NO_DATA,
  PARSE_COMPLETE,
  PORTAL_SUSPENDED,
} from "../../../src/wire/backend/empty-replies.ts";
import { readEmptyMessage } from "../../../src/wire/empty-message.ts";
import { hex } from "../hex.ts";

describe("empty replies", () => {
  test("are a type and the length 4", () => {
    const types = [
      [PARSE_COMPLETE, "1"],
      [BIND_COMPLETE, "2"],
      [CLOSE_COMPLETE, "3"],
      [NO_DATA, "n"],
      [EMPTY_QUERY_RESPONSE, "I"],
      [PORTAL_SUSPENDED, "s"],
      [COPY_DONE, "c"],
    ] as const;
    for (const [bytes, type] of types) {
      expect(bytes).toEqual(hex(`'${type}' 00000004`));
      readEmptyMessage(0, bytes.length);
    }
  });

  test("are refused with a body", () => {
    expect(() => readEmptyMessage(10, 16)).toThrow("invalid message format");
  });
});
