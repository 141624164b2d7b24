/**
 * What a function of the database sets for the session, with no command and no text that says so: found when its
 * server comes back, cleaned, named once; and where each transaction is looked at, never in the next client.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { query } from "../../support/frontend-messages.ts";
import { inTurn } from "../../support/in-turn.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";
import { directTarget } from "../../support/same-as-postgres.ts";

const LEAK = query("select leak('secret')");
const SHOW = query("show work_mem");

async function rowOf(client: RawClient, message: Uint8Array): Promise<string | undefined> {
  return (await client.run(message)).find((line) => line.startsWith("DataRow"));
}

describe.each([18, 15] as const)("PostgreSQL %d", (version) => {
  let postgres: TestPostgres;

  beforeAll(async () => {
    postgres = await startPostgres({ version });
    await postgres.query(`
      create function leak(text) returns int language plpgsql as $$
        begin perform set_config('work_mem', '9MB', false); return 1; end $$;
      create role lowly;
      create function become() returns int language plpgsql as $$
        begin perform set_config('role', 'lowly', false); return 1; end $$;
      create function lock() returns int language plpgsql as $$
        begin perform pg_advisory_lock(42); return 1; end $$;
      create function listening() returns int language plpgsql as $$
        begin execute 'listen news'; return 1; end $$;
      create function make() returns int language plpgsql as $$
        begin create temporary table made (n int); return 1; end $$;
      grant execute on all functions in schema public to lowly`);
  });
  afterAll(() => postgres[Symbol.asyncDispose]());

  const start = (every: number): Promise<TestPooler> =>
    startPooler(postgres, { tenant: { default_pool_size: 1, hidden_state_check: every } });

  test("each transaction looked at: it holds for its client, and for nobody else", async () => {
    await using pooler = await start(1);
    await using leaking = await RawClient.connect(pooler.target());
    await using other = await RawClient.connect(pooler.target());
    await using direct = await RawClient.connect(directTarget(postgres));
    const usual = await rowOf(direct, SHOW);
    await leaking.run(LEAK);
    expect(await rowOf(other, SHOW)).toBe(usual);
    expect(await rowOf(leaking, SHOW)).toBe('DataRow "9MB"');
    expect(await rowOf(other, SHOW)).toBe(usual);
    await leaking.run(query("reset work_mem"));
    expect(await rowOf(leaking, SHOW)).toBe(usual);
  });

  test("beside what the client has set itself, settings of its own names too", async () => {
    await using pooler = await start(1);
    await using leaking = await RawClient.connect(pooler.target());
    await using other = await RawClient.connect(pooler.target());
    await leaking.run(query("set my.own = 'mine'"));
    await leaking.run(query("set statement_timeout = '7s'"));
    await leaking.run(LEAK);
    await other.run(SHOW);
    const all = query(
      "select current_setting('my.own'), current_setting('statement_timeout'), current_setting('work_mem')",
    );
    expect(await rowOf(leaking, all)).toBe('DataRow "mine" | "7s" | "9MB"');
  });

  test("also where it makes the client somebody else", async () => {
    await using pooler = await start(1);
    await using leaking = await RawClient.connect(pooler.target());
    await using other = await RawClient.connect(pooler.target());
    await leaking.run(query("select become()"));
    const who = query("select current_user");
    expect(await rowOf(other, who)).toBe('DataRow "postgres"');
    expect(await rowOf(leaking, who)).toBe('DataRow "lowly"');
    expect(await rowOf(other, who)).toBe('DataRow "postgres"');
  });

  test("it is named once, without its values, and counted", async () => {
    await using pooler = await start(1);
    await using leaking = await RawClient.connect(pooler.target());
    await inTurn([1, 2, 3], async (round) => {
      await leaking.run(query(`select leak('secret ${round}')`));
      await leaking.run(query("reset work_mem"));
    });
    const lines = pooler.lines.map(({ fields }) => fields);
    expect(lines).toEqual([
      {
        tenant: "dev",
        user: "postgres",
        mode: "transaction",
        settings: "work_mem",
        reasons: "",
        fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
        query: "select leak($1)",
      },
    ]);
    expect(JSON.stringify(pooler.lines)).not.toContain("secret");
  });

  test("once in a while: it is found and cleaned, and then what does it is named", async () => {
    await using pooler = await start(5);
    await using leaking = await RawClient.connect(pooler.target());
    await using other = await RawClient.connect(pooler.target());
    await leaking.run(LEAK);
    await inTurn([1, 2, 3, 4], async () => void (await other.run(query("select 1"))));
    expect(await rowOf(other, SHOW)).not.toBe('DataRow "9MB"');
    expect(pooler.lines.map(({ fields }) => fields["query"])).toEqual([undefined]);
    await other.run(query("select 2"));
    await leaking.run(LEAK);
    expect(await rowOf(other, SHOW)).not.toBe('DataRow "9MB"');
    expect(pooler.lines.map(({ fields }) => fields["query"])).toEqual([
      undefined,
      "select leak($1)",
    ]);
  });

  test("nobody is suspected whose settings are as they should be", async () => {
    await using pooler = await start(1);
    await using client = await RawClient.connect(pooler.target(), {
      parameters: [
        ["options", "-c work_mem=64MB -c my.own=x -c search_path=a,B"],
        ["DateStyle", "german"],
      ],
    });
    await inTurn(
      [
        "select 1",
        "set statement_timeout = '1min'",
        "begin; set local work_mem = '1MB'; set seq_page_cost = 2; commit",
        "select set_config('my.other', 'y', false)",
        "set role lowly",
        "select 1",
        "reset all",
        "set session authorization lowly",
        "select 1",
        "discard all",
      ],
      async (sql) => void (await client.run(query(sql))),
    );
    expect(pooler.lines).toEqual([]);
    expect(await rowOf(client, SHOW)).toBe('DataRow "64MB"');
  });

  test.each([
    ["an advisory lock", "lock()", "advisory_lock", "select pg_advisory_unlock_all()"],
    ["a LISTEN", "listening()", "listen", "unlisten *"],
    ["a temporary table", "make()", "temporary", "drop table made"],
  ])(
    "%s binds its client to its server where each is looked at",
    async (_what, call, reason, undo) => {
      await using pooler = await startPooler(postgres, {
        tenant: { default_pool_size: 2, hidden_state_check: 1 },
      });
      await using leaking = await RawClient.connect(pooler.target());
      await using other = await RawClient.connect(pooler.target());
      const id = await rowOf(leaking, query(`select pg_backend_pid() + 0 * ${call}`));
      await inTurn([1, 2, 3], async () => {
        expect(await rowOf(other, query("select pg_backend_pid()"))).not.toBe(id);
        expect(await rowOf(leaking, query("select pg_backend_pid()"))).toBe(id);
      });
      await leaking.run(query(undo));
      expect(pooler.pooler.counters.pins.byReasonTotal).toMatchObject({ [reason]: 1 });
      expect(pooler.lines.map(({ fields }) => fields["reasons"])).toEqual([reason]);
    },
  );

  test.each([
    ["an advisory lock", "lock()", "select count(*) from pg_locks where locktype = 'advisory'"],
    ["a LISTEN", "listening()", "select count(*) from pg_listening_channels()"],
    ["a temporary table", "make()", "select count(*) from pg_class where relname = 'made'"],
  ])("%s is taken away where it is found once in a while", async (_what, call, count) => {
    await using pooler = await start(3);
    await using leaking = await RawClient.connect(pooler.target());
    await using other = await RawClient.connect(pooler.target());
    await leaking.run(query(`select ${call}`));
    await other.run(query("select 1"));
    expect(await rowOf(other, query(count))).toBe('DataRow "1"');
    expect(await rowOf(other, query(count))).toBe('DataRow "0"');
    expect(pooler.lines).toHaveLength(1);
  });

  test("never where it is switched off", async () => {
    await using pooler = await start(0);
    await using leaking = await RawClient.connect(pooler.target());
    await leaking.run(LEAK);
    expect(await rowOf(leaking, SHOW)).toBe('DataRow "9MB"');
    expect(pooler.lines).toEqual([]);
  });
});
