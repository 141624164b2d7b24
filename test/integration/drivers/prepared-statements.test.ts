/**
 * Prepared statements whose names the drivers choose: used over many transactions, on servers that
 * change under them, by clients that use the same names for different statements.
 */

import { expect, test } from "bun:test";
import { inTurn, repeatedly } from "../../support/in-turn.ts";
import { failureOf } from "./drivers.ts";
import { everywhere } from "./everywhere.ts";

const SERVER_STATEMENTS_MAX = 5;

everywhere("prepared statements", (place) => {
  test("serve many transactions on changing servers", async () => {
    await using turnstile = await place.turnstile();
    await using client = await place.connect();
    await repeatedly(8, async (round) => {
      expect(await client.prepared("select $1::int4 + 1 as n", [round])).toEqual([
        { n: round + 1 },
      ]);
      expect(await client.prepared("select $1::text || '!' as t", [`${round}`])).toEqual([
        { t: `${round}!` },
      ]);
      await turnstile.turn();
    });
  });

  test("of one name mean something else to each client", async () => {
    await using turnstile = await place.turnstile();
    await using one = await place.connect();
    await using other = await place.connect();
    await repeatedly(4, async (round) => {
      expect(await one.prepared("select $1::int4 * 2 as doubled", [round])).toEqual([
        { doubled: round * 2 },
      ]);
      expect(await other.prepared("select 'text: ' || $1::text as t", [`${round}`])).toEqual([
        { t: `text: ${round}` },
      ]);
      await turnstile.turn();
    });
  });

  test("of the same text serve several clients", async () => {
    await using turnstile = await place.turnstile();
    await using one = await place.connect();
    await using other = await place.connect();
    const sql = "select $1::int4 - 1 as n";
    await repeatedly(3, async (round) => {
      expect(await one.prepared(sql, [round])).toEqual([{ n: round - 1 }]);
      expect(await other.prepared(sql, [-round])).toEqual([{ n: -round - 1 }]);
      await turnstile.turn();
    });
  });

  test("outlive the client that named them first", async () => {
    const sql = "select $1::text || ' stays' as t";
    await inTurn(["first", "second", "third"], async (name) => {
      await using turnstile = await place.turnstile();
      await using client = await place.connect();
      expect(await client.prepared(sql, [name])).toEqual([{ t: `${name} stays` }]);
      await turnstile.turn();
      expect(await client.prepared(sql, [name])).toEqual([{ t: `${name} stays` }]);
    });
  });

  test("that were refused once can be right the next time", async () => {
    await using turnstile = await place.turnstile();
    await using client = await place.connect();
    const table = `late_${crypto.randomUUID().replaceAll("-", "")}`;
    const sql = `select n + $1::int4 as n from ${table}`;
    expect(await failureOf(client.prepared(sql, [1]))).toBe("42P01");
    await turnstile.turn();
    expect(await failureOf(client.prepared(sql, [1]))).toBe("42P01");
    await client.simple(`create table ${table} as select 41 as n`);
    await turnstile.turn();
    expect(await client.prepared(sql, [1])).toEqual([{ n: 42 }]);
  });

  test("that fail inside a transaction leave the client its others", async () => {
    await using turnstile = await place.turnstile();
    await using client = await place.connect();
    await client.prepared("select $1::int4 as n", [1]);
    await turnstile.turn();
    await client.simple("begin");
    expect(await failureOf(client.prepared("select $1::int4 from nowhere", [1]))).toBe("42P01");
    expect(await failureOf(client.prepared("select $1::int4 as n", [2]))).toBe("25P02");
    await client.simple("rollback");
    await turnstile.turn();
    expect(await client.prepared("select $1::int4 as n", [3])).toEqual([{ n: 3 }]);
  });

  test("survive DISCARD ALL between their uses", async () => {
    await using turnstile = await place.turnstile();
    await using client = await place.connect();
    await using neighbour = await place.connect();
    expect(await neighbour.prepared("select $1::int4 + 5 as n", [1])).toEqual([{ n: 6 }]);
    await client.simple("discard all");
    expect(await neighbour.prepared("select $1::int4 + 5 as n", [2])).toEqual([{ n: 7 }]);
    await turnstile.turn();
    await client.simple("deallocate all");
    expect(await neighbour.prepared("select $1::int4 + 5 as n", [3])).toEqual([{ n: 8 }]);
  });
});

everywhere(
  "more prepared statements than a server keeps",
  (place) => {
    test("all work, again and again", async () => {
      await using turnstile = await place.turnstile();
      await using client = await place.connect();
      await using neighbour = await place.connect();
      await repeatedly(3, async (round) => {
        await repeatedly(SERVER_STATEMENTS_MAX * 2, async (kind) => {
          const sql = `select $1::int4 + ${kind} as n`;
          expect(await client.prepared(sql, [round])).toEqual([{ n: round + kind }]);
          expect(await neighbour.prepared(sql, [kind])).toEqual([{ n: kind + kind }]);
          if (kind % 3 === 0) await turnstile.turn();
        });
      });
    });

    test("all work inside one transaction", async () => {
      await using client = await place.connect();
      await client.simple("begin");
      await repeatedly(SERVER_STATEMENTS_MAX * 2, async (kind) => {
        const sql = `select $1::int4 - ${kind} as n`;
        expect(await client.prepared(sql, [7])).toEqual([{ n: 7 - kind }]);
      });
      await client.simple("commit");
    });

    if (place.mode === "session" || !place.driver.keepsStatements) return;
    test("are closed again behind a transaction", async () => {
      await using turnstile = await place.turnstile();
      await using client = await place.connect();
      await client.simple("begin");
      await repeatedly(SERVER_STATEMENTS_MAX * 2, async (kind) => {
        await client.prepared(`select $1::int4 * ${kind} as n`, [7]);
      });
      await client.simple("commit");
      await repeatedly(2, async (round) => {
        // A statement that no server has: only for a new one is room made.
        await client.prepared(`select $1::int4 as n /* ${crypto.randomUUID()} */`, [round]);
        const [row] = await client.simple("select count(*)::int4 as n from pg_prepared_statements");
        expect(Number(row?.["n"])).toBeLessThanOrEqual(SERVER_STATEMENTS_MAX);
        await turnstile.turn();
      });
    });
  },
  { config: { maxPreparedStatements: SERVER_STATEMENTS_MAX } },
);
