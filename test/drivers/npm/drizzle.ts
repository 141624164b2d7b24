/** Drizzle over node-postgres. */

import { eq, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import {
  bigint,
  boolean,
  doublePrecision,
  integer,
  jsonb,
  numeric,
  pgTable,
  serial,
  text,
  timestamp,
} from "drizzle-orm/pg-core";
import pg from "pg";
import { countTogether } from "./concurrency.ts";
import {
  atOnce,
  DATABASE_URL,
  firstColumn,
  runStack,
  type Session,
  sqlstateOf,
} from "./harness.ts";

const items = pgTable("items", {
  id: serial().primaryKey(),
  name: text().notNull().unique(),
  price: numeric({ precision: 10, scale: 2 }).default("1.50"),
});

const kinds = pgTable("kinds", {
  ints: integer().array(),
  texts: text().array(),
  json: jsonb(),
  exact: numeric({ precision: 40, scale: 10 }),
  moment: timestamp({ withTimezone: true }),
  large: bigint({ mode: "bigint" }),
  truth: boolean(),
  real: doublePrecision(),
});

const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 20 });
const db = drizzle({ client: pool });

async function open(): Promise<Session> {
  const client = new pg.Client({ connectionString: DATABASE_URL });
  await client.connect();
  const own = drizzle({ client });
  return {
    run: async (statement) => firstColumn((await own.execute(sql.raw(statement))).rows),
    close: () => client.end(),
  };
}

async function migrations(): Promise<unknown> {
  await db.transaction(async (transaction) => {
    await transaction.execute(
      sql`create table items (id serial primary key, name text not null unique)`,
    );
    await transaction.execute(sql`alter table items add column price numeric(10, 2) default 1.50`);
  });
  await sqlstateOf(
    db.transaction(async (transaction) => {
      await transaction.execute(sql`drop table items`);
      transaction.rollback();
    }),
  );
  return db.insert(items).values({ name: "apple" }).returning();
}

async function transactions(): Promise<unknown> {
  const twin = await db.transaction(async (transaction) => {
    await transaction.insert(items).values({ name: "kept" });
    return sqlstateOf(
      transaction.transaction((inner) => inner.insert(items).values({ name: "kept" })),
    );
  });
  const undone = await sqlstateOf(
    db.transaction(
      async (transaction) => {
        await transaction.insert(items).values({ name: "undone" });
        await transaction.execute(sql`select 1 / 0`);
      },
      { isolationLevel: "serializable" },
    ),
  );
  return [twin, undone, await db.select({ name: items.name }).from(items).orderBy(items.id)];
}

function statements(): Promise<unknown> {
  const byName = db
    .select()
    .from(items)
    .where(eq(items.name, sql.placeholder("name")))
    .prepare("item_by_name");
  return atOnce(async () => {
    let found = 0;
    for (let round = 0; round < 20; round++)
      found += (await byName.execute({ name: "apple" })).length;
    return found;
  });
}

async function types(): Promise<unknown> {
  await db.execute(sql`create table kinds (ints int[], texts text[], json jsonb, exact numeric(40, 10),
    moment timestamptz, large bigint, truth bool, real float8)`);
  const row = {
    ints: [1, 2, 3],
    texts: ["a", 'b"c'],
    json: { deep: [1, { x: "ü" }] },
    exact: "12345678901234567890.0123456789",
    moment: new Date(Date.UTC(2024, 1, 29, 12, 30, 15, 123)),
    large: 9007199254740993n,
    truth: true,
    real: 1.5,
  };
  return db
    .insert(kinds)
    .values([row, { ints: [] }])
    .returning();
}

async function bulk(): Promise<unknown> {
  const names = Array.from({ length: 5000 }, (_, index) => ({ name: `bulk ${index}` }));
  await db.insert(items).values(names);
  return db
    .execute(sql`select count(*), sum(price), max(name) from items`)
    .then(({ rows }) => rows);
}

async function concurrency(): Promise<unknown> {
  await db.execute(sql`create table counter as select 0 as n`);
  const tags = await countTogether((tag) =>
    db.transaction(async (transaction) => {
      await transaction.execute(sql`update counter set n = n + 1`);
      const { rows } = await transaction.execute(sql`select ${tag}::text as tag`);
      return String(rows[0]?.["tag"]);
    }),
  );
  return [tags, (await db.execute(sql`select n from counter`)).rows];
}

await runStack({
  open,
  topics: { migrations, transactions, statements, types, bulk, concurrency },
  close: () => pool.end(),
});
