/** node-postgres, with pg-cursor, pg-query-stream and pg-copy-streams. */

import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import pg from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import Cursor from "pg-cursor";
import QueryStream from "pg-query-stream";
import {
  atOnce,
  DATABASE_URL,
  firstColumn,
  runStack,
  type Session,
  sqlstateOf,
  until,
} from "./harness.ts";

const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 20 });

async function open(): Promise<Session> {
  const client = new pg.Client({ connectionString: DATABASE_URL });
  await client.connect();
  return {
    run: async (sql) => firstColumn((await client.query(sql)).rows),
    close: () => client.end(),
  };
}

async function withClient<Result>(
  work: (client: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  try {
    return await work(client);
  } finally {
    client.release();
  }
}

async function migrations(): Promise<unknown> {
  await pool.query(`
    create table items (id serial primary key, name text not null);
    create unique index items_name on items (name);
    alter table items add column price numeric(10, 2) default 1.50`);
  await withClient(async (client) => {
    await client.query("begin");
    await client.query("drop table items");
    await client.query("rollback");
  });
  await pool.query("insert into items (name) values ($1)", ["apple"]);
  return (await pool.query("select * from items")).rows;
}

function transactions(): Promise<unknown> {
  return withClient(async (client) => {
    await client.query("begin");
    await client.query("insert into items (name) values ('kept')");
    await client.query("savepoint before_twin");
    const twin = await sqlstateOf(client.query("insert into items (name) values ('kept')"));
    await client.query("rollback to savepoint before_twin");
    await client.query("commit");
    await client.query("begin isolation level serializable");
    await client.query("insert into items (name) values ('undone')");
    await client.query("rollback");
    return [twin, (await client.query("select name from items order by id")).rows];
  });
}

async function statements(): Promise<unknown> {
  const text = "select $1::int * 2 as n, $2::text as word";
  const sums = await atOnce(async (client) => {
    let sum = 0;
    for (let round = 0; round < 20; round++) {
      const query = { name: "double", text, values: [round, `client ${client}`] };
      sum += (await pool.query<{ n: number }>(query)).rows[0]?.n ?? 0;
    }
    return sum;
  });
  const other = await withClient(async (client) => [
    (await client.query({ name: "failing", text: "select 1 / $1::int as n", values: [1] })).rows,
    await sqlstateOf(
      client.query({ name: "failing", text: "select 1 / $1::int as n", values: [0] }),
    ),
    (await client.query({ name: "failing", text: "select 1 / $1::int as n", values: [1] })).rows,
    await sqlstateOf(client.query({ name: "broken", text: "selekt $1", values: [1] })),
  ]);
  return [sums, other];
}

async function types(): Promise<unknown> {
  const values = [
    [1, 2, 3],
    ["a", 'b"c', null],
    { deep: [1, { x: "ü" }] },
    "12345678901234567890.0123456789",
    new Date(Date.UTC(2024, 1, 29, 12, 30, 15, 123)),
    Buffer.from([0, 1, 254, 255]),
    null,
    "9007199254740993",
    "8c5c8d3e-4f0a-4c6b-9e3f-0a1b2c3d4e5f",
    true,
    1.5,
  ];
  const { rows, fields } = await pool.query(
    `select $1::int[] as ints, $2::text[] as texts, $3::jsonb as json, $4::numeric as exact, $5::timestamptz as moment,
     $6::bytea as bytes, $7::text as nothing, $8::bigint as large, $9::uuid as id, $10::bool as truth, $11::float8 as real,
     '[1,5)'::int4range as range, interval '1 day 2 hours' as span, date '2024-02-29' as day`,
    values,
  );
  return [rows, fields.map(({ name, dataTypeID }) => [name, dataTypeID])];
}

async function bulk(): Promise<unknown> {
  await pool.query("create table bulk (id int, word text)");
  return withClient(async (client) => {
    const lines = Array.from({ length: 20_000 }, (_, id) => `${id}\tword ${id}\n`);
    await pipeline(Readable.from(lines), client.query(copyFrom("copy bulk from stdin")));
    const failed = await sqlstateOf(
      pipeline(
        Readable.from(["1\tone\n", "two\ttwo\n"]),
        client.query(copyFrom("copy bulk from stdin")),
      ),
    );
    let bytes = 0;
    await pipeline(client.query(copyTo("copy bulk to stdout")), async (source) => {
      for await (const chunk of source) bytes += Buffer.from(chunk).length;
    });
    const { rows } = await client.query("select count(*), sum(id), max(word) from bulk");
    return [rows, bytes, failed];
  });
}

function streams(): Promise<unknown> {
  return withClient(async (client) => {
    const cursor = client.query(
      new Cursor<{ n: number }>("select n from generate_series(1, $1) n", [1000]),
    );
    const pages: number[] = [];
    for (let page = await cursor.read(300); page.length > 0; page = await cursor.read(300))
      pages.push(page.length);
    await cursor.close();
    const closedEarly = client.query(new Cursor("select n from generate_series(1, $1) n", [1000]));
    const first = (await closedEarly.read(2)).length;
    await closedEarly.close();
    let sum = 0;
    for await (const row of client.query(
      new QueryStream("select n from generate_series(1, $1) n", [5000]),
    )) {
      sum += Number(Reflect.get(row, "n"));
    }
    return [pages, first, sum];
  });
}

function cancellation(): Promise<unknown> {
  return withClient(async (client) => {
    const slow = sqlstateOf(client.query("select pg_sleep(30) /* the slow one */"));
    const find =
      "select pg_cancel_backend(pid) from pg_stat_activity where query like '%' || $1 and state = 'active'";
    await until(async () => (await pool.query(find, ["the slow one */"])).rows.length > 0);
    return [await slow, (await client.query("select 1 as n")).rows];
  });
}

async function listen(): Promise<unknown> {
  const listener = new pg.Client({ connectionString: DATABASE_URL });
  await listener.connect();
  const heard: (string | undefined)[] = [];
  listener.on("notification", ({ channel, payload }) => heard.push(`${channel}: ${payload}`));
  await listener.query("listen news");
  for (let number = 1; number <= 3; number++)
    await pool.query("select pg_notify('news', $1)", [`number ${number}`]);
  await until(async () => heard.length >= 3);
  await listener.query("unlisten news");
  await pool.query("select pg_notify('news', 'unheard')");
  await listener.query("select 1");
  await listener.end();
  return heard;
}

async function concurrency(): Promise<unknown> {
  await pool.query("create table counter (n int); insert into counter values (0)");
  const tags = await atOnce((tag) =>
    withClient(async (client) => {
      const seen = new Set<string>();
      for (let round = 0; round < 10; round++) {
        await client.query("begin");
        await client.query("update counter set n = n + 1");
        const { rows } = await client.query<{ tag: string }>("select $1::text as tag", [
          `tag ${tag}`,
        ]);
        await client.query("commit");
        seen.add(rows[0]?.tag ?? "");
      }
      return [...seen];
    }),
  );
  return [tags, (await pool.query("select n from counter")).rows];
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
    cancellation,
    listen,
    concurrency,
  },
  close: () => pool.end(),
});
