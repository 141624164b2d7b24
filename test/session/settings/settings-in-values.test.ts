import { describe, expect, test } from "bun:test";
import { settingNamesInValues } from "../../../src/session/settings/settings-in-values.ts";

describe("settingNamesInValues", () => {
  test("finds names between lengths and NULs, and reads no more than a page or two", () => {
    const bind = new TextEncoder().encode("\0\0\0\u0002\0\0\0\u0007my.name\0\0\0\u00011");
    expect(settingNamesInValues(bind, 0, bind.length)).toEqual(["my.name"]);
    const late = new TextEncoder().encode(`${"-".repeat(9000)}my.name`);
    expect(settingNamesInValues(late, 0, late.length)).toEqual([]);
  });
});
