/** postgres.js. */

import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import postgres from "postgres";
import {
  atOnce,
  DATABASE_URL,
  firstColumn,
  runStack,
  type Session,
  sqlstateOf,
  until,
} from "./harness.ts";

const sql = postgres(DATABASE_URL, { max: 20, onnotice: () => {} });

async function open(): Promise<Session> {
  const own = postgres(DATABASE_URL, { max: 1, onnotice: () => {} });
  return {
    run: async (text) => firstColumn(await own.unsafe(text)),
    close: () => own.end(),
  };
}

async function migrations(): Promise<unknown> {
  await sql`create table items (id serial primary key, name text not null unique)`;
  await sql`alter table items add column price numeric(10, 2) default 1.50`;
  await sqlstateOf(
    sql.begin(async (transaction) => {
      await transaction`drop table items`;
      throw new Error("no");
    }),
  );
  await sql`insert into items (name) values (${"apple"})`;
  return sql`select * from items`;
}

async function transactions(): Promise<unknown> {
  const twin = await sql.begin(async (transaction) => {
    await transaction`insert into items (name) values ('kept')`;
    return sqlstateOf(
      transaction.savepoint((inner) => inner`insert into items (name) values ('kept')`),
    );
  });
  const undone = await sqlstateOf(
    sql.begin("isolation level serializable", async (transaction) => {
      await transaction`insert into items (name) values ('undone')`;
      await transaction`select 1 / 0`;
    }),
  );
  return [twin, undone, await sql`select name from items order by id`];
}

async function statements(): Promise<unknown> {
  return atOnce(async (client) => {
    let sum = 0;
    for (let round = 0; round < 20; round++) {
      const rows = await sql`select ${round}::int * 2 as n, ${`client ${client}`}::text as word`;
      sum += Number(rows[0]?.["n"]);
    }
    return [sum, await sqlstateOf(sql`select 1 / ${0}::int`), await sqlstateOf(sql`selekt ${1}`)];
  });
}

async function types(): Promise<unknown> {
  const rows = await sql`
    select ${[1, 2, 3]}::int[] as ints, ${["a", 'b"c']}::text[] as texts, ${sql.json({ deep: [1, { x: "ü" }] })} as json,
      ${"12345678901234567890.0123456789"}::numeric as exact,
      ${new Date(Date.UTC(2024, 1, 29, 12, 30, 15, 123))}::timestamptz as moment, ${Buffer.from([0, 1, 254, 255])}::bytea as bytes,
      ${null}::text as nothing, ${"9007199254740993"}::bigint as large, ${true}::bool as truth, ${1.5}::float8 as real`;
  return [rows, rows.columns.map(({ name, type }) => [name, type])];
}

async function bulk(): Promise<unknown> {
  await sql`create table bulk (id int, word text)`;
  const lines = Array.from({ length: 20_000 }, (_, id) => `${id}\tword ${id}\n`);
  await pipeline(Readable.from(lines), await sql`copy bulk from stdin`.writable());
  const some = Array.from({ length: 500 }, (_, id) => ({ id, word: "inserted" }));
  await sql`insert into bulk ${sql(some, "id", "word")}`;
  let bytes = 0;
  for await (const chunk of await sql`copy bulk to stdout`.readable())
    bytes += Buffer.from(chunk).length;
  return [bytes, await sql`select count(*), sum(id), max(word) from bulk`];
}

async function streams(): Promise<unknown> {
  const pages: number[] = [];
  for await (const page of sql`select n from generate_series(1, 1000) n`.cursor(300))
    pages.push(page.length);
  let sum = 0;
  await sql`select n from generate_series(1, 5000) n`.forEach((row) => {
    sum += Number(row["n"]);
  });
  return [pages, sum];
}

async function cancellation(): Promise<unknown> {
  const slow = sql`select pg_sleep(30) /* the slow one */`;
  const failure = sqlstateOf(slow);
  await until(async () => {
    const rows =
      await sql`select 1 from pg_stat_activity where query like ${"%the slow one */"} and state = 'active'`;
    return rows.length > 0;
  });
  slow.cancel();
  return [await failure, await sql`select 1 as n`];
}

async function listen(): Promise<unknown> {
  const heard: string[] = [];
  const listening = await sql.listen("news", (payload) => heard.push(payload));
  for (let number = 1; number <= 3; number++) await sql.notify("news", `number ${number}`);
  await until(async () => heard.length >= 3);
  await listening.unlisten();
  await sql.notify("news", "unheard");
  return heard;
}

async function concurrency(): Promise<unknown> {
  await sql`create table counter as select 0 as n`;
  const tags = await atOnce(async (tag) => {
    const own = postgres(DATABASE_URL, { max: 1 });
    const seen = new Set<string>();
    for (let round = 0; round < 10; round++) {
      await own.begin(async (transaction) => {
        await transaction`update counter set n = n + 1`;
        const rows = await transaction`select ${`tag ${tag}`}::text as tag`;
        seen.add(String(rows[0]?.["tag"]));
      });
    }
    await own.end();
    return [...seen];
  });
  return [tags, await sql`select n from counter`];
}

await runStack({
  open,
  topics: {
    migrations,
    transactions,
    statements,
    types,
    bulk,
    streams,
    concurrency,
    cancellation,
    listen,
  },
  close: () => sql.end(),
});
