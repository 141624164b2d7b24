import { describe, expect, test } from "bun:test";
import { BACKEND, FRONTEND, nameOfBackend, nameOfFrontend } from "../../src/wire/message-type.ts";

const SHARING_P = new Set([
  "PasswordMessage",
  "GSSResponse",
  "SASLInitialResponse",
  "SASLResponse",
]);

function lettersOf(types: Readonly<Record<string, number>>): string {
  return Object.entries(types)
    .filter(([name]) => !SHARING_P.has(name))
    .map(([, type]) => String.fromCharCode(type))
    .join("");
}

describe("message types", () => {
  test("are the letters of the protocol docs", () => {
    expect(lettersOf(FRONTEND)).toBe("BCdcfDEHFPQSX");
    expect(lettersOf(BACKEND)).toBe("RK23CWdcGHDIEVvnNAtS1sZT");
  });

  test("are named for errors in both directions, where a letter means two things", () => {
    expect([nameOfFrontend(0x53), nameOfBackend(0x53)]).toEqual(["Sync", "ParameterStatus"]);
    expect([nameOfFrontend(0x44), nameOfBackend(0x44)]).toEqual(["Describe", "DataRow"]);
    expect(nameOfFrontend(0x70)).toBe("PasswordMessage");
  });

  test("have no two meanings in one direction, but for p", () => {
    const types = Object.entries(FRONTEND).filter(([name]) => !SHARING_P.has(name));
    expect(new Set(types.map(([, type]) => type)).size).toBe(types.length);
    expect(new Set(Object.values(BACKEND)).size).toBe(Object.keys(BACKEND).length);
  });

  test("that do not exist are told by number", () => {
    expect(nameOfFrontend(0)).toBe("message type 0");
    expect(nameOfBackend(255)).toBe("message type 255");
  });
});
