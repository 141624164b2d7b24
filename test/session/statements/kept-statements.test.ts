import { describe, expect, test } from "bun:test";
import { ClientState } from "../../../src/session/client-state.ts";
import { SettingsInterner } from "../../../src/session/settings/session-settings.ts";
import {
  decodeStatements,
  encodeStatements,
  keptStatements,
  restoreStatements,
} from "../../../src/session/statements/kept-statements.ts";
import { StatementInterner } from "../../../src/session/statements/statement.ts";
import { StatementShape } from "../../../src/session/statements/statement-shape.ts";
import { present } from "../../support/present.ts";

const ONE_INT = new StatementShape(Uint8Array.of(0, 1, 0, 0, 0, 23), null);
const ROWS = new StatementShape(Uint8Array.of(0, 0), Uint8Array.of(0, 1, 0x61, 0, 0xff));
const NO_PARAMETERS = new Map<string, string>();

/** A client of a tenant whose statements may take so many bytes, with these settings. */
function clientOf(
  settingEntries: Readonly<Record<string, string>> = {},
  tenantStatementBytesMax = 1_000_000,
) {
  const interner = new StatementInterner(undefined, { tenantStatementBytesMax });
  const settings = new SettingsInterner();
  const asked = settings.intern(new Map(Object.entries(settingEntries)));
  const client = new ClientState(interner, settings, asked);
  const name = (called: string, sql: string, shape: StatementShape | null, readUnder?: string) => {
    const bytes = Buffer.from(`${sql}\0\0\0`, "latin1");
    const under = readUnder ?? client.settings.literalSettings;
    const statement = interner.intern(bytes, 0, bytes.length, under);
    if (shape !== null) interner.learnShape(statement, shape);
    client.statements.set(called, statement);
  };
  return { interner, settings, client, name };
}

describe("the statements that are kept of a client", () => {
  test("are those that it has, whatever their encoding", () => {
    const { client, name } = clientOf({ datestyle: "German" });
    name("a", "select $1::int", ONE_INT);
    name("grüße", "select 'é'", ROWS);
    const kept = present(keptStatements(client));
    expect(kept.map((each) => each.name)).toEqual(["a", "grüße"]);
    expect(decodeStatements(JSON.parse(JSON.stringify(encodeStatements(kept))))).toEqual([...kept]);
  });

  test("are none of a client that has none, or has closed what it had", () => {
    const { client, name } = clientOf();
    expect(keptStatements(client)).toEqual([]);
    name("a", "select 1", ROWS);
    client.statements.deallocate("a");
    expect(keptStatements(client)).toEqual([]);
  });

  test("can't be kept where one is not known to look like anything", () => {
    const { client, name } = clientOf();
    name("a", "select 1", ROWS);
    name("b", "select 2", null);
    expect(keptStatements(client)).toBe(null);
  });

  test("can't be kept where one was read under settings that are nobody else's, or others", () => {
    for (const readUnder of ["own\u00011", "\u0001".repeat(7) + "\u00011", "German"]) {
      const { client, name } = clientOf();
      name("a", "select 1", ROWS, readUnder);
      expect(keptStatements(client)).toBe(null);
    }
    const { client, name, settings } = clientOf();
    name("a", "select 1", ROWS);
    client.adoptSettings(settings.intern(new Map([["work_mem", "8MB"]])));
    expect(keptStatements(client)).toHaveLength(1);
    client.adoptSettings(settings.intern(new Map([["datestyle", "German"]])));
    expect(keptStatements(client)).toBe(null);
  });
});

describe("statements that a client brings from another place", () => {
  const KEPT = [{ name: "a", parseTail: Buffer.from("select 1\0\0\0"), shape: ROWS }];

  test("are there as after a change of tables, and can be kept again", () => {
    const { client } = clientOf();
    expect(restoreStatements(client, KEPT, NO_PARAMETERS)).toBe(true);
    expect(client.statements.get("a")).toMatchObject({ retired: true, shape: ROWS });
    expect(keptStatements(client)).toMatchObject([{ name: "a", shape: ROWS }]);
  });

  test("are shared by those who know the same, and apart from what the text is by now", () => {
    const { client, interner, name } = clientOf();
    const other = [{ ...present(KEPT[0]), name: "c", shape: ONE_INT }];
    const again = [{ ...present(KEPT[0]), name: "b" }];
    restoreStatements(client, [...KEPT, ...again, ...other], NO_PARAMETERS);
    name("d", "select 1", ROWS);
    const { statements } = client;
    expect(statements.get("a")).toBe(present(statements.get("b")));
    expect(new Set(["a", "c", "d"].map((each) => statements.get(each))).size).toBe(3);
    expect([statements.get("d")?.retired, interner.size]).toEqual([false, 3]);
  });

  test("leave nothing behind when their client is gone", () => {
    const { client, interner } = clientOf();
    restoreStatements(client, KEPT, NO_PARAMETERS);
    client.end();
    expect([interner.size, interner.memoryBytes]).toEqual([0, 0]);
    const next = clientOf().client;
    expect(restoreStatements(next, KEPT, NO_PARAMETERS)).toBe(true);
  });

  test("find no room where the tenant's is taken", () => {
    expect(restoreStatements(clientOf({}, 100).client, KEPT, NO_PARAMETERS)).toBe(false);
  });

  test("are none that are damaged", () => {
    const good = ["a", "select 1\0\0\0", "\0\0", null];
    expect(decodeStatements([good])).toHaveLength(1);
    const damaged: readonly unknown[] = [
      null,
      {},
      [null],
      [["", ...good.slice(1)]],
      [["a", "select 1", "\0\0", null]],
      [["a", 5, "\0\0", null]],
      [["a", "\0", null, null]],
      [["a", "\0", "\0\0", 5]],
      [["a", "\0", "\0\0"]],
    ];
    for (const each of damaged) expect(decodeStatements(each)).toBe(null);
  });
});
