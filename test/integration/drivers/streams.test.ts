/**
 * What postgres.js streams: COPY in both directions, and cursors that read on with Execute after Execute.
 * A COPY that fails is psql's to show: postgres.js 3.4.9 does not tell its writer of the error.
 */

import { expect, test } from "bun:test";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import postgres from "postgres";
import { repeatedly } from "../../support/in-turn.ts";
import { inEveryMode } from "./everywhere.ts";
import { FIXED, openTurnstile } from "./turnstile.ts";

const ROWS = 2_000;

inEveryMode("streams of postgres.js", (rig, mode) => {
  test("COPY in and out, again and again on changing servers", async () => {
    await using turnstile = await rotate();
    await using client = connect();
    const { sql } = client;
    await sql`drop table if exists copied`;
    await sql`create table copied (n int4 primary key, t text)`;
    await repeatedly(3, async (round) => {
      await sql`truncate copied`;
      await turnstile.turn();
      await pipeline(Readable.from(lines(round)), await sql`copy copied from stdin`.writable());
      await turnstile.turn();
      expect(await sql`select count(*)::int4 as n, max(t) as t from copied`).toMatchObject([
        { n: ROWS, t: `round ${round}` },
      ]);
      const out = await sql`copy (select n, t from copied order by n) to stdout`.readable();
      expect(await textOf(out)).toBe([...lines(round)].join(""));
    });
  });

  test("a cursor reads all rows in portions, and neighbours read theirs", async () => {
    await using one = connect();
    await using other = connect();
    const sums = await Promise.all([one, other].map(({ sql }) => sumOf(sql)));
    expect(sums).toEqual([SUM, SUM]);
  });

  test("a cursor that is left early leaves nothing open", async () => {
    await using turnstile = await rotate();
    await using client = connect();
    const { sql } = client;
    await repeatedly(3, async () => {
      for await (const rows of sql`select n from generate_series(1, 1000) as n`.cursor(10)) {
        expect(rows).toHaveLength(10);
        break;
      }
      await turnstile.turn();
      expect(await sql`select ${7}::int4 as n`).toMatchObject([{ n: 7 }]);
    });
  });

  function connect() {
    const sql = postgres({ ...rig.pooler.target(mode), max: 1, fetch_types: false, onnotice });
    return { sql, [Symbol.asyncDispose]: () => sql.end() };
  }

  function rotate() {
    return mode === "session" ? FIXED : openTurnstile(rig.pooler.target(mode));
  }
});

const PORTION = 100;
const SUM = (ROWS * (ROWS + 1)) / 2;

async function sumOf(sql: postgres.Sql): Promise<number> {
  let sum = 0;
  const query = sql<{ n: number }[]>`select n from generate_series(1, ${ROWS}::int4) as n`;
  for await (const rows of query.cursor(PORTION)) for (const { n } of rows) sum += n;
  return sum;
}

function* lines(round: number): Generator<string> {
  for (let n = 0; n < ROWS; n += 1) yield `${n}\tround ${round}\n`;
}

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

function onnotice(): void {
  // "table does not exist, skipping"
}
