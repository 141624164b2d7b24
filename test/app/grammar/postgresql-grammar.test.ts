import { describe, expect, test } from "bun:test";
import { SqlReader } from "../../../src/sql/sql-reader.ts";
import { GRAMMAR, loadGrammar } from "../../support/grammar.ts";

/** Runs the parser out of stack. */
const TRAP = `select ${"1+".repeat(100_000)}1`;

describe("PostgresqlGrammar", () => {
  test("parses what PostgreSQL parses", () => {
    expect(GRAMMAR.parse("select 1")).toMatchObject({ stmts: [{ stmt: { SelectStmt: {} } }] });
    expect(GRAMMAR.scan("a  ü b")).toMatchObject([
      { text: "a", start: 0, end: 1 },
      { text: "ü", start: 3, end: 5 },
      { text: "b", start: 6, end: 7 },
    ]);
    expect(GRAMMAR.parse("")).toMatchObject({});
  });

  test.each(["selec", "select 'a", 'select "a', "select $$a", "select /* a", "\ud800", "'"])(
    "refuses %p and goes on",
    (sql) => {
      expect(GRAMMAR.parse(sql)).toBeNull();
      expect(GRAMMAR.parse("select 1")).not.toBeNull();
      expect(GRAMMAR.traps).toBe(0);
    },
  );

  test("refuses to scan what is no SQL", () => {
    expect(GRAMMAR.scan("select 'a")).toBeNull();
  });

  test("answers nothing after a trap, and everything once another instance is there", async () => {
    const grammar = await loadGrammar();
    expect(grammar.parse(TRAP)).toBeNull();
    expect(grammar.traps).toBe(1);
    expect(grammar.parse("select 1")).toBeUndefined();
    expect(grammar.scan("select 1")).toBeUndefined();
    await grammar.ready;
    expect(grammar.parse("select 1")).toMatchObject({ stmts: [{}] });
    expect(grammar.traps).toBe(1);
  });

  test("leaves no text taken for the worst that came while there was no instance", async () => {
    const grammar = await loadGrammar();
    const reader = new SqlReader(grammar);
    expect(grammar.parse(TRAP)).toBeNull();
    expect(reader.effectsOf("set a.b = 1")).toMatchObject({ understood: false });
    await grammar.ready;
    expect(reader.effectsOf("set a.b = 1")).toMatchObject({ understood: true });
    expect(grammar.traps).toBe(1);
  });
});
