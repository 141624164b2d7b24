/**
 * What `settingsChange` writes, run by real PostgreSQL of two major versions.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { Client } from "pg";
import {
  type Settings,
  SettingsInterner,
  settingsChange,
} from "../../../src/session/settings/session-settings.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";

type Entries = Readonly<Record<string, string>>;

/** Sets to go between. Values are as `set_config` and `pg_settings` have them. */
const SETS: readonly Entries[] = [
  {},
  { timezone: "Asia/Tokyo", datestyle: "SQL, DMY" },
  { timezone: "UTC", statement_timeout: "1234", search_path: '"$user", "odd ""schema", public' },
  { role: "carpool_reader" },
  { role: "carpool_writer", application_name: "it's \\ here" },
  { role: "carpool_writer", log_min_duration_statement: "77" },
  { "app.tenant": "42", role: "carpool_reader", client_encoding: "LATIN1" },
  { session_authorization: "carpool_writer", work_mem: "8192" },
  { standard_conforming_strings: "off", backslash_quote: "off", "app.tenant": "o'\\x" },
];

const NAMES = [...new Set(SETS.flatMap((entries) => Object.keys(entries)))];

describe.each([18, 15] as const)("PostgreSQL %d", (version) => {
  let postgres: TestPostgres;
  let client: Client;
  const interner = new SettingsInterner();
  let fresh: Record<string, string>;

  beforeAll(async () => {
    postgres = await startPostgres({ version });
    await postgres.query("CREATE ROLE carpool_reader; CREATE ROLE carpool_writer");
    client = new Client(postgres.connectionString());
    await client.connect();
    fresh = await current();
  });

  afterAll(async () => {
    await client.end();
    await postgres[Symbol.asyncDispose]();
  });

  /** All settings that any of the sets has, read without changing any. */
  async function current(): Promise<Record<string, string>> {
    const columns = NAMES.map((name, index) => `current_setting('${name}', true) AS c${index}`);
    const { rows } = await client.query<Record<string, string | null>>(
      `SELECT ${columns.join(", ")}`,
    );
    const [row] = rows;
    return Object.fromEntries(NAMES.map((name, index) => [name, row?.[`c${index}`] ?? ""]));
  }

  async function change(from: Settings | null, to: Settings): Promise<void> {
    const sql = settingsChange(from, to);
    if (sql !== "") await client.query(sql);
  }

  function expected(entries: Entries): Record<string, string> {
    const units = { statement_timeout: "ms", work_mem: "kB", log_min_duration_statement: "ms" };
    const wanted = Object.entries(entries).map(([name, value]): [string, string] => {
      if (name === "work_mem") return [name, "8MB"];
      return [name, name in units ? `${value}ms` : value];
    });
    return { ...fresh, ...Object.fromEntries(wanted) };
  }

  const pairs = SETS.flatMap((from, row) => SETS.map((to, column) => ({ from, to, row, column })));

  test.each(pairs)("goes from set $row to set $column", async ({ from, to }) => {
    const [before, after] = [from, to].map((entries) =>
      interner.intern(new Map(Object.entries(entries))),
    );
    if (before === undefined || after === undefined) throw new Error("both are there");
    await change(null, before);
    expect(await current()).toEqual(expected(from));
    await change(before, after);
    expect(await current()).toEqual(expected(to));
  });

  test.each(SETS.map((from, row) => ({ from, row })))(
    "resets all of set $row where nothing is known",
    async ({ from }) => {
      await change(null, interner.intern(new Map(Object.entries(from))));
      await change(null, interner.none);
      expect(await current()).toEqual(fresh);
    },
  );

  test("gives a setting any value, to the letter", async () => {
    const texts = fc.oneof(
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.string({
        unit: fc.constantFrom("'", "\\", '"', "E", "$", ";", "\n", "\u00e9", "\u{1f600}"),
        maxLength: 20,
      }),
    );
    const storable = texts.filter((text) => !text.includes("\0") && text.isWellFormed());
    await change(null, interner.none);
    let before = interner.none;
    await fc.assert(
      fc.asyncProperty(storable, fc.constantFrom("on", "off"), async (value, conforming) => {
        const entries = { standard_conforming_strings: conforming, "app.value": value };
        const after = interner.intern(new Map(Object.entries(entries)));
        await change(before, after);
        before = after;
        const { rows } = await client.query("SELECT current_setting('app.value') AS value");
        expect(rows).toEqual([{ value }]);
      }),
      { numRuns: 150 },
    );
  });
});
