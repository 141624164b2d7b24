/**
 * Transactions: on one server from begin to end, with errors, savepoints and cursors in them, and
 * without a trace where the client goes away in the middle.
 */

import { expect, test } from "bun:test";
import { eventually } from "../../support/eventually.ts";
import { repeatedly } from "../../support/in-turn.ts";
import { failureOf } from "./drivers.ts";
import { everywhere } from "./everywhere.ts";

const PID = "select pg_backend_pid() as pid";

everywhere("transactions", (place) => {
  test("stay on their server while others run on theirs", async () => {
    await using client = await place.connect();
    await using neighbour = await place.connect();
    await client.simple("begin");
    const [own] = await client.simple(PID);
    await repeatedly(3, async () => {
      const [others] = await neighbour.query(`${PID} where $1::int = 1`, [1]);
      expect(others).not.toEqual(own ?? {});
      expect(await client.prepared(`${PID} where $1::int = 2`, [2])).toEqual([own ?? {}]);
    });
    await client.simple("commit");
  });

  test("are seen by others when they are committed, and not before", async () => {
    await using client = await place.connect();
    await using neighbour = await place.connect();
    const table = await makeTable();
    const count = `select count(*)::int4 as n from ${table}`;
    await client.simple("begin");
    await client.query(`insert into ${table} values ($1)`, [1]);
    expect(await neighbour.simple(count)).toEqual([{ n: 0 }]);
    await client.simple("commit");
    expect(await neighbour.simple(count)).toEqual([{ n: 1 }]);
  });

  test("that fail are over by ROLLBACK, whatever the error", async () => {
    await using turnstile = await place.turnstile();
    await using client = await place.connect();
    const table = await makeTable();
    const failures = [
      [() => client.simple("selekt 1"), "42601"],
      [() => client.query("select 1 / $1::int4", [0]), "22012"],
      [() => client.prepared(`insert into ${table} values ($1::int4), ($1::int4)`, [2]), "23505"],
      [() => client.simple("select no_such_function()"), "42883"],
    ] as const;
    await repeatedly(failures.length, async (index) => {
      const [fail, sqlstate] = failures[index] ?? failures[0];
      await client.simple("begin");
      await client.simple(`insert into ${table} values (1)`);
      expect(await failureOf(fail())).toBe(sqlstate);
      expect(await failureOf(client.simple("select 1"))).toBe("25P02");
      await client.simple("rollback");
      await turnstile.turn();
      expect(await client.simple(`select n from ${table}`)).toEqual([]);
    });
  });

  test("that fail and are committed are rolled back", async () => {
    await using turnstile = await place.turnstile();
    await using client = await place.connect();
    const table = await makeTable();
    await client.simple("begin");
    await client.simple(`insert into ${table} values (1)`);
    expect(await failureOf(client.query("select 1 / $1::int4", [0]))).toBe("22012");
    await client.simple("commit");
    await turnstile.turn();
    expect(await client.simple(`select n from ${table}`)).toEqual([]);
  });

  test("go back to a savepoint and on from there", async () => {
    await using turnstile = await place.turnstile();
    await using client = await place.connect();
    const table = await makeTable();
    await client.simple("begin");
    await client.simple(`insert into ${table} values (1)`);
    await client.simple("savepoint here");
    expect(await failureOf(client.prepared(`insert into ${table} values ($1)`, [1]))).toBe("23505");
    await client.simple("rollback to savepoint here");
    expect(await client.prepared("select $1::text as t", ["on"])).toEqual([{ t: "on" }]);
    await client.simple(`insert into ${table} values (2); release savepoint here`);
    await client.simple("commit");
    await turnstile.turn();
    expect(await client.simple(`select n from ${table} order by n`)).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test("keep their cursors, and take them along", async () => {
    await using turnstile = await place.turnstile();
    await using client = await place.connect();
    await client.simple("begin");
    await client.simple("declare numbers cursor for select n from generate_series(1, 5) as n");
    expect(await client.simple("fetch 2 from numbers")).toEqual([{ n: 1 }, { n: 2 }]);
    expect(await client.query("select $1::int4 as n", [9])).toEqual([{ n: 9 }]);
    expect(await client.simple("fetch 2 from numbers")).toEqual([{ n: 3 }, { n: 4 }]);
    await client.simple("commit");
    expect(await failureOf(client.simple("fetch 1 from numbers"))).toBe("34000");
    await turnstile.turn();
    expect(await failureOf(client.simple("fetch 1 from numbers"))).toBe("34000");
  });

  test("whose client goes away are rolled back, locks and all", async () => {
    await using witness = await place.connect();
    const table = await makeTable();
    await repeatedly(3, async () => {
      const leaver = await place.connect();
      await leaver.simple("begin");
      await leaver.simple(`insert into ${table} values (1)`);
      await leaver.simple(`lock table ${table}; select pg_advisory_xact_lock(77)`);
      await leaver[Symbol.asyncDispose]();
      // The lock is waited for, not polled: a transaction that stayed would let this hang.
      expect(await witness.simple(`select n from ${table}`)).toEqual([]);
      await eventually(async () => {
        const open = await place.rig.postgres.query(
          "select pid from pg_stat_activity where state like 'idle in transaction%'",
        );
        expect(open).toEqual([]);
      });
    });
  });

  async function makeTable(): Promise<string> {
    const table = `numbers_${crypto.randomUUID().replaceAll("-", "")}`;
    await place.rig.postgres.query(`create table ${table} (n int4 primary key)`);
    return table;
  }
});
