import { describe, expect, test } from "bun:test";
import { readEmptyMessage } from "../../../src/wire/empty-message.ts";
import { COPY_DONE, FLUSH, SYNC, TERMINATE } from "../../../src/wire/frontend/empty-requests.ts";
import { hex } from "../hex.ts";

describe("empty requests", () => {
  test("are a type and the length 4", () => {
    const types = [
      [SYNC, "S"],
      [FLUSH, "H"],
      [TERMINATE, "X"],
      [COPY_DONE, "c"],
    ] as const;
    for (const [bytes, type] of types) {
      expect(bytes).toEqual(hex(`'${type}' 00000004`));
    }
  });

  test("are refused with a body, or cut off", () => {
    expect(() => readEmptyMessage(0, 6)).toThrow("invalid message format");
    expect(() => readEmptyMessage(0, 4)).toThrow("invalid message format");
  });
});
