/** Bun.SQL, in Bun itself. */

import { SQL } from "bun";
import {
  atOnce,
  DATABASE_URL,
  firstColumn,
  runStack,
  type Session,
  sqlstateOf,
  until,
} from "./harness.ts";

type Row = Record<string, unknown>;

const sql = new SQL(DATABASE_URL, { max: 20 });

async function open(): Promise<Session> {
  const own = new SQL(DATABASE_URL, { max: 1 });
  const connection = await own.reserve();
  return {
    run: async (text) => firstColumn(Array.from(await connection.unsafe<Row[]>(text))),
    close: async () => {
      connection.release();
      await own.close();
    },
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
  return Array.from(await sql`select * from items`);
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
      await transaction`select 1 / ${0}::int`;
    }),
  );
  return [twin, undone, Array.from(await sql`select name from items order by id`)];
}

function statements(): Promise<unknown> {
  return atOnce(async (client) => {
    let sum = 0;
    for (let round = 0; round < 20; round++) {
      const rows = await sql<
        Row[]
      >`select ${round}::int * 2 as n, ${`client ${client}`}::text as word`;
      sum += Number(rows[0]?.["n"]);
    }
    return [sum, await sqlstateOf(sql`select 1 / ${0}::int`), await sqlstateOf(sql`selekt ${1}`)];
  });
}

async function types(): Promise<unknown> {
  return Array.from(
    await sql`
    select ${sql.array([1, 2, 3], "INT")} as ints, ${sql.array(["a", 'b"c'], "TEXT")} as texts,
      ${{ deep: [1, { x: "ü" }] }}::jsonb as json, ${"12345678901234567890.0123456789"}::numeric as exact,
      ${new Date(Date.UTC(2024, 1, 29, 12, 30, 15, 123))}::timestamptz as moment,
      ${Buffer.from([0, 1, 254, 255])}::bytea as bytes, ${null}::text as nothing, ${"9007199254740993"}::bigint as large,
      ${true}::bool as truth, ${1.5}::float8 as real`,
  );
}

async function bulk(): Promise<unknown> {
  await sql`create table bulk (id int, word text)`;
  for (let page = 0; page < 10; page++) {
    const some = Array.from({ length: 1000 }, (_, index) => ({
      id: page * 1000 + index,
      word: `word ${index}`,
    }));
    await sql`insert into bulk ${sql(some)}`;
  }
  return Array.from(await sql`select count(*), sum(id), max(word) from bulk`);
}

async function cancellation(): Promise<unknown> {
  const slow = sql`select pg_sleep(30) /* the slow one */`.execute();
  const failure = sqlstateOf(slow);
  const find = (): Promise<Row[]> =>
    sql`select pg_cancel_backend(pid) from pg_stat_activity where query like ${"%the slow one */"} and state = 'active'`;
  await until(async () => (await find()).length > 0);
  return [await failure, Array.from(await sql`select 1 as n`)];
}

async function concurrency(): Promise<unknown> {
  await sql`create table counter as select 0 as n`;
  const tags = await atOnce(async (tag) => {
    const seen = new Set<string>();
    for (let round = 0; round < 10; round++) {
      await sql.begin(async (transaction) => {
        await transaction`update counter set n = n + 1`;
        const rows = await transaction<Row[]>`select ${`tag ${tag}`}::text as tag`;
        seen.add(String(rows[0]?.["tag"]));
      });
    }
    return [...seen];
  });
  return [tags, Array.from(await sql`select n from counter`)];
}

await runStack({
  open,
  topics: { migrations, transactions, statements, types, bulk, cancellation, concurrency },
  close: () => sql.close(),
});
