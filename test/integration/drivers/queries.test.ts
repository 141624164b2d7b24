/**
 * Queries and their results, of every size and kind, on servers that change between transactions.
 */

import { expect, test } from "bun:test";
import { inTurn, repeatedly } from "../../support/in-turn.ts";
import { failureOf, sqlstateOf } from "./drivers.ts";
import { everywhere } from "./everywhere.ts";

const RESULT_BYTES = 200_000;
const PARAMETER_BYTES = 1_048_576;

everywhere("queries", (place) => {
  test("go to one server after the other, or stay where a session is", async () => {
    await using turnstile = await place.turnstile();
    await using client = await place.connect();
    const pid = "select pg_backend_pid() as pid";
    const [first] = await client.simple(pid);
    await turnstile.turn();
    const [second] = await client.query(`${pid} where $1::int = 1`, [1]);
    await turnstile.turn();
    const [third] = await client.prepared(`${pid} where $1::int = 2`, [2]);
    expect(third).toEqual(first ?? {});
    if (place.mode === "session") expect(second).toEqual(first ?? {});
    else expect(second).not.toEqual(first ?? {});
  });

  test("carry values of every kind there and back", async () => {
    await using turnstile = await place.turnstile();
    await using client = await place.connect();
    const sql =
      "select $1::text as text, $2::text as nothing, $3::int4 as number, $4::bytea as bytes, " +
      "$5::text::jsonb as json, ($6::text::text[])[2] as element, $7::text = '' as empty";
    const values = [
      "¿naïve? 🐘",
      null,
      -7,
      Buffer.from([0, 255, 10]),
      '{"a":[1,null]}',
      "{x,NULL}",
    ];
    await inTurn([client.query.bind(client), client.prepared.bind(client)], async (ask) => {
      const [row] = await ask(sql, [...values, ""]);
      expect(row).toEqual({
        text: "¿naïve? 🐘",
        nothing: null,
        number: -7,
        bytes: Buffer.from([0, 255, 10]),
        json: { a: [1, null] },
        element: null,
        empty: true,
      });
      await turnstile.turn();
    });
  });

  test("return long values and many rows", async () => {
    await using turnstile = await place.turnstile();
    await using client = await place.connect();
    await repeatedly(3, async () => {
      const [long] = await client.simple(`select repeat('x', ${RESULT_BYTES}) as text`);
      expect(long?.["text"]).toBe("x".repeat(RESULT_BYTES));
      await turnstile.turn();
      const rows = await client.query("select n from generate_series(1, $1::int4) as n", [5000]);
      expect(rows.map(({ n }) => n)).toEqual(Array.from({ length: 5000 }, (_, index) => index + 1));
    });
  });

  test("take a parameter of a megabyte", async () => {
    await using turnstile = await place.turnstile();
    await using client = await place.connect();
    const text = "0123456789abcdef".repeat(PARAMETER_BYTES / 16);
    await repeatedly(2, async () => {
      const [row] = await client.prepared("select md5($1::text) as digest, length($1) as length", [
        text,
      ]);
      const digest = new Bun.CryptoHasher("md5").update(text).digest("hex");
      expect(row).toEqual({ digest, length: PARAMETER_BYTES });
      await turnstile.turn();
    });
  });

  test("that are asked all at once are answered each with its own rows", async () => {
    await using client = await place.connect();
    await using neighbour = await place.connect();
    const numbers = Array.from({ length: 60 }, (_, index) => index);
    const ask = (who: typeof client, offset: number) =>
      numbers.map((n) =>
        n % 3 === 0
          ? who.simple(`select ${n + offset} as n`)
          : who.prepared(`select $1::int4 + ${n % 5} as n`, [n + offset - (n % 5)]),
      );
    const [own, others] = await Promise.all([
      Promise.all(ask(client, 0)),
      Promise.all(ask(neighbour, 1000)),
    ]);
    expect(own).toEqual(numbers.map((n) => [{ n }]));
    expect(others).toEqual(numbers.map((n) => [{ n: n + 1000 }]));
  });

  test("that are asked all at once fail each for itself", async () => {
    await using client = await place.connect();
    const outcomes = [5, 0, 2, 0, 1].map((n) =>
      client.prepared("select 10 / $1::int4 as n", [n]).then(([row]) => row?.["n"], sqlstateOf),
    );
    expect(await Promise.all(outcomes)).toEqual([2, "22012", 5, "22012", 10]);
    expect(await client.simple("select 'on' as goes")).toEqual([{ goes: "on" }]);
  });

  test("in one message stand or fall together", async () => {
    await using turnstile = await place.turnstile();
    await using client = await place.connect();
    const table = `together_${crypto.randomUUID().replaceAll("-", "")}`;
    await client.simple(`create table ${table} (n int); insert into ${table} values (1)`);
    await turnstile.turn();
    const failing = client.simple(`insert into ${table} values (2); select 1 / 0`);
    expect(await failureOf(failing)).toBe("22012");
    await turnstile.turn();
    expect(await client.simple(`select n from ${table}`)).toEqual([{ n: 1 }]);
  });

  test("of no words at all are answered", async () => {
    await using client = await place.connect();
    expect(await client.simple("")).toEqual([]);
    expect(await client.simple("/* only a comment */")).toEqual([]);
    expect(await client.simple("select 1 as n")).toEqual([{ n: 1 }]);
  });
});
