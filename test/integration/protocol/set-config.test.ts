/**
 * Settings that change without a command tag that says so: they are the client's, and nobody else's.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { bind, execute, join, parse, query, sync } from "../../support/frontend-messages.ts";
import { inTurn } from "../../support/in-turn.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";

const CALL = "select set_config('statement_timeout', '1234567', false)";
const IN_BLOCK = `do $$ begin perform set_config('statement_timeout', '1234567', false); end $$`;
const LOCAL = "select set_config('statement_timeout', '1234567', true)";
const SHOW = query("show statement_timeout");

const unset = 'DataRow "0"';
const isSet = 'DataRow "1234567ms"';

const unnamed = (sql: string): Uint8Array => join(parse("", sql), bind(""), execute(), sync);

describe.each([15, 18] as const)("with PostgreSQL %d", (version) => {
  let postgres: TestPostgres;
  let pooler: TestPooler;

  beforeAll(async () => {
    postgres = await startPostgres({ version });
    pooler = await startPooler(postgres, { tenant: { default_pool_size: 1 } });
  });

  afterAll(async () => {
    await pooler[Symbol.asyncDispose]();
    await postgres[Symbol.asyncDispose]();
  });

  async function timeoutsAfter(...messages: readonly Uint8Array[]): Promise<readonly string[]> {
    await using setter = await RawClient.connect(pooler.target("transaction"));
    await using other = await RawClient.connect(pooler.target("transaction"));
    await inTurn(messages, async (message) => {
      await setter.run(message);
    });
    const shown: string[] = [];
    await inTurn([other, setter, other], async (client) => {
      const [, row] = await client.run(SHOW);
      shown.push(row ?? "");
    });
    return shown;
  }

  test.each<[string, readonly Uint8Array[]]>([
    ["in a Query", [query(CALL)]],
    ["in a Query of several statements", [query(`begin; ${CALL}; commit`)]],
    ["in a block", [query(IN_BLOCK)]],
    ["in an unnamed statement", [unnamed(CALL)]],
    ["in a named statement", [join(parse("s", CALL), bind("s"), execute(), sync)]],
    [
      "in a named statement that was prepared before",
      [join(parse("s", CALL), sync), query("select 1"), join(bind("s"), execute(), sync)],
    ],
    [
      "in an unnamed statement that was parsed before",
      [join(parse("", CALL), sync), join(bind(""), execute(), sync)],
    ],
    ["behind a long text", [query(`select '${"x".repeat(300_000)}'; ${CALL}`)]],
  ])("a call %s holds for its client and for nobody else", async (_where, messages) => {
    expect(await timeoutsAfter(...messages)).toEqual([unset, isSet, unset]);
  });

  test.each<[string, readonly Uint8Array[]]>([
    ["that is local", [query(LOCAL)]],
    ["that is rolled back", [query(`begin; ${CALL}; rollback`)]],
    ["whose statement fails", [query(`${CALL} + 1`)]],
    ["that is never executed", [join(parse("s", CALL), sync)]],
  ])("a call %s changes nothing", async (_how, messages) => {
    expect(await timeoutsAfter(...messages)).toEqual([unset, unset, unset]);
  });
});
