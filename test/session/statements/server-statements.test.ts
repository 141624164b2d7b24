import { describe, expect, test } from "bun:test";
import { ServerStatements } from "../../../src/session/statements/server-statements.ts";
import { type Statement, StatementInterner } from "../../../src/session/statements/statement.ts";

function setUp(countMax: number) {
  const interner = new StatementInterner();
  const statements = new ServerStatements(interner, countMax);
  const intern = (sql: string): Statement => {
    const bytes = new TextEncoder().encode(`${sql}\0\0\0`);
    return interner.intern(bytes, 0, bytes.length, "");
  };
  const [a, b, c] = [intern("select 'a'"), intern("select 'b'"), intern("select 'c'")];
  return { interner, statements, a, b, c };
}

describe("ServerStatements", () => {
  test("has no victim below its limit", () => {
    const { statements, a, b } = setUp(2);
    statements.add(a);
    statements.beginHold();
    expect(statements.victim()).toBeNull();
    statements.add(b);
    expect(statements.victim()).toBe(a);
  });

  test("chooses the statement that was not used for longest", () => {
    const { statements, a, b, c } = setUp(3);
    statements.add(a);
    statements.add(b);
    statements.add(c);
    statements.touch(a);
    statements.beginHold();
    expect(statements.victim()).toBe(b);
    statements.remove(b);
    expect(statements.victim()).toBeNull();
  });

  test("never chooses one that the present hold has used", () => {
    const { statements, a, b, c } = setUp(2);
    statements.add(a);
    statements.add(b);
    statements.beginHold();
    statements.touch(a);
    expect(statements.victim()).toBe(b);
    statements.touch(b);
    expect(statements.victim()).toBeNull();
    statements.add(c);
    expect(statements.size).toBe(3);
    expect(statements.victim()).toBeNull();
    statements.beginHold();
    expect(statements.victim()).toBe(a);
  });

  test("does not count the use of a statement that it does not have", () => {
    const { statements, a } = setUp(1);
    expect(statements.touch(a)).toBeFalse();
    expect(statements.size).toBe(0);
    expect(a.references).toBe(1);
  });

  test("keeps one reference to each statement, however often it is added", () => {
    const { interner, statements, a } = setUp(5);
    statements.add(a);
    statements.add(a);
    expect(a.references).toBe(2);
    statements.remove(a);
    statements.remove(a);
    expect(a.references).toBe(1);
    interner.release(a);
    expect(interner.size).toBe(2);
  });

  test("gives all references back when the server forgets them", () => {
    const { interner, statements, a, b, c } = setUp(5);
    for (const statement of [a, b, c]) {
      statements.add(statement);
      interner.release(statement);
    }
    expect(interner.size).toBe(3);
    statements.clear();
    expect(statements.size).toBe(0);
    expect(interner.size).toBe(0);
  });

  test("keeps the last reference to a statement until its Close is confirmed", () => {
    const { interner, statements, a } = setUp(1);
    statements.add(a);
    interner.release(a);
    statements.close(a);
    expect(statements.touch(a)).toBeFalse();
    expect(a.references).toBe(1);
    statements.confirmClose(a);
    expect(interner.size).toBe(2);
  });

  test("has a statement again whose Close was skipped", () => {
    const { interner, statements, a } = setUp(1);
    statements.add(a);
    interner.release(a);
    statements.close(a);
    statements.undoClose(a);
    expect(statements.touch(a)).toBeTrue();
    expect(a.references).toBe(1);
  });

  test("has one reference to a statement whose Close was skipped after it was prepared again", () => {
    const { statements, a } = setUp(1);
    statements.add(a);
    statements.close(a);
    statements.add(a);
    statements.undoClose(a);
    expect(a.references).toBe(2);
    expect(statements.size).toBe(1);
  });
});
