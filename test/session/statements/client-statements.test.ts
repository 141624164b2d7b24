import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  ClientStatements,
  StatementChange,
} from "../../../src/session/statements/client-statements.ts";
import { type Statement, StatementInterner } from "../../../src/session/statements/statement.ts";

function intern(interner: StatementInterner, sql: string): Statement {
  const bytes = new TextEncoder().encode(`${sql}\0\0\0`);
  return interner.intern(bytes, 0, bytes.length, "");
}

function setUp() {
  const interner = new StatementInterner();
  return {
    interner,
    names: new ClientStatements(interner),
    a: intern(interner, "a"),
    b: intern(interner, "b"),
  };
}

describe("ClientStatements", () => {
  test("gives the old statement back when a name is given again", () => {
    const { interner, names, a, b } = setUp();
    names.set("s", a);
    names.set("s", b);
    expect(names.get("s")).toBe(b);
    expect(names.size).toBe(1);
    expect(interner.size).toBe(1);
  });

  test("takes a name back whose Parse failed, and leaves one that means something else by now", () => {
    const { names, a, b } = setUp();
    names.set("s", a);
    names.set("t", b);
    names.undoParse(new StatementChange(names, "s", a));
    names.undoParse(new StatementChange(names, "t", a));
    expect(names.get("s")).toBeUndefined();
    expect(names.get("t")).toBe(b);
  });

  test("finds nothing to close under a name that it does not have", () => {
    expect(setUp().names.close("s")).toBeNull();
  });

  test("keeps the statement of a closed name alive until the Close is confirmed", () => {
    const { interner, names, a } = setUp();
    names.set("s", a);
    const change = names.close("s");
    expect(names.get("s")).toBeUndefined();
    expect(a.references).toBe(1);
    if (change !== null) names.confirmClose(change);
    expect(interner.size).toBe(1);
  });

  test("has a name again whose Close was skipped", () => {
    const { names, a } = setUp();
    names.set("s", a);
    const change = names.close("s");
    if (change !== null) names.undoClose(change);
    expect(names.get("s")).toBe(a);
  });

  test("does not bring a name back that was given again, or whose client is gone", () => {
    const { interner, names, a, b } = setUp();
    names.set("s", a);
    const change = names.close("s");
    names.set("s", b);
    if (change !== null) names.undoClose(change);
    expect(names.get("s")).toBe(b);
    const last = names.close("s");
    names.end();
    if (last !== null) names.undoClose(last);
    expect(names.size).toBe(0);
    expect(interner.size).toBe(0);
  });

  test("comes back to what was there, with no reference lost, when a segment is undone latest first", () => {
    const moves = fc.array(
      fc.record({
        name: fc.constantFrom("s", "t"),
        sql: fc.constantFrom("one", "two", "three"),
        close: fc.boolean(),
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(moves, moves, fc.boolean(), (before, segment, failed) => {
        const interner = new StatementInterner();
        const names = new ClientStatements(interner);
        for (const undo of segmentOf(before, names, interner)) undo(false);
        const expected = ["s", "t"].map((name) => names.get(name));
        const undos = segmentOf(segment, names, interner);
        for (const undo of failed ? undos.toReversed() : undos) undo(failed);
        if (failed) expect(["s", "t"].map((name) => names.get(name))).toEqual(expected);
        names.end();
        expect(interner.size).toBe(0);
        expect(interner.bytes).toBe(0);
      }),
    );
  });
});

/** Makes the moves as a client would; returns what undoes (true) or confirms (false) each. */
function segmentOf(
  moves: readonly { readonly name: string; readonly sql: string; readonly close: boolean }[],
  names: ClientStatements,
  interner: StatementInterner,
): ((failed: boolean) => void)[] {
  const outcomes: ((failed: boolean) => void)[] = [];
  for (const { name, sql, close } of moves) {
    if (close) {
      const change = names.close(name);
      if (change !== null)
        outcomes.push((failed) => (failed ? names.undoClose(change) : names.confirmClose(change)));
    } else if (names.get(name) === undefined) {
      const statement = intern(interner, sql);
      names.set(name, statement);
      const change = new StatementChange(names, name, statement);
      outcomes.push((failed) => (failed ? names.undoParse(change) : undefined));
    }
  }
  return outcomes;
}
