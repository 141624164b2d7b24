import { describe, expect, test } from "bun:test";
import { type Statement, StatementInterner } from "../../../src/session/statements/statement.ts";

function bytesOf(...codes: readonly number[]): Uint8Array {
  return Uint8Array.of(...codes, 0, 0, 0);
}

function intern(interner: StatementInterner, bytes: Uint8Array, readUnder = ""): Statement {
  return interner.intern(bytes, 0, bytes.length, readUnder);
}

describe("StatementInterner", () => {
  test("has one statement for equal bytes, and counts its references", () => {
    const interner = new StatementInterner();
    const first = intern(interner, bytesOf(0x61));
    expect(intern(interner, bytesOf(0x61))).toBe(first);
    expect(first.references).toBe(2);
    expect(interner.size).toBe(1);
    expect(interner.bytes).toBe(4);
  });

  test("has different statements for texts that differ in any byte, also where they are no UTF-8", () => {
    const interner = new StatementInterner();
    for (let byte = 0; byte < 256; byte += 1) intern(interner, bytesOf(byte));
    expect(interner.size).toBe(256);
  });

  test("has different statements for the same text with other parameter types", () => {
    const interner = new StatementInterner();
    intern(interner, Uint8Array.of(0x61, 0, 0, 1, 0, 0, 0, 23));
    intern(interner, Uint8Array.of(0x61, 0, 0, 1, 0, 0, 0, 25));
    expect(interner.size).toBe(2);
  });

  test("has different statements for the same text read under other settings", () => {
    const interner = new StatementInterner();
    intern(interner, bytesOf(0x61), "ISO, DMY");
    intern(interner, bytesOf(0x61), "ISO, MDY");
    expect(interner.size).toBe(2);
  });

  test("copies the bytes of a new statement", () => {
    const interner = new StatementInterner();
    const bytes = bytesOf(0x61);
    const statement = intern(interner, bytes);
    bytes.fill(0xff);
    expect(statement.parseTail).toEqual(bytesOf(0x61));
  });

  test("gives no name twice, also after a statement is forgotten", () => {
    const interner = new StatementInterner();
    const first = intern(interner, bytesOf(0x61));
    interner.release(first);
    expect(interner.size).toBe(0);
    expect(interner.bytes).toBe(0);
    expect(intern(interner, bytesOf(0x61)).name).not.toEqual(first.name);
  });

  test("gives a text another statement once all are retired, and forgets each when nobody holds it", () => {
    const interner = new StatementInterner();
    const old = intern(interner, bytesOf(0x61));
    interner.retireAll();
    const fresh = intern(interner, bytesOf(0x61));
    expect(fresh.name).not.toEqual(old.name);
    expect([old.retired, fresh.retired]).toEqual([true, false]);
    expect(interner.size).toBe(2);
    interner.release(old);
    expect(intern(interner, bytesOf(0x61))).toBe(fresh);
    interner.release(fresh);
    interner.release(fresh);
    expect([interner.size, interner.bytes]).toEqual([0, 0]);
  });

  test("refuses to give back or keep what nobody holds", () => {
    const interner = new StatementInterner();
    const statement = intern(interner, bytesOf(0x61));
    interner.release(statement);
    expect(() => interner.release(statement)).toThrow("the statement is alive");
    expect(() => interner.retain(statement)).toThrow("the statement is alive");
  });
});
