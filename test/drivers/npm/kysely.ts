/** Kysely with its PostgreSQL dialect, migrations and pg-cursor for streams. */

import { CompiledQuery, type Generated, Kysely, PostgresDialect, sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import pg from "pg";
import Cursor from "pg-cursor";
import { countTogether } from "./concurrency.ts";
import {
  atOnce,
  DATABASE_URL,
  firstColumn,
  runStack,
  type Session,
  sqlstateOf,
} from "./harness.ts";

interface Database {
  items: { id: Generated<number>; name: string; price: Generated<string> };
  counter: { n: number };
}

function connect(max: number): Kysely<Database> {
  const pool = new pg.Pool({ connectionString: DATABASE_URL, max });
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool, cursor: Cursor }) });
}

const db = connect(20);

async function open(): Promise<Session> {
  const own = connect(1);
  return {
    run: async (statement) =>
      firstColumn((await own.executeQuery<object>(CompiledQuery.raw(statement))).rows),
    close: () => own.destroy(),
  };
}

const MIGRATIONS: Record<string, Migration> = {
  "001": {
    up: async (schema) => {
      await schema.schema
        .createTable("items")
        .addColumn("id", "serial", (column) => column.primaryKey())
        .addColumn("name", "text", (column) => column.notNull().unique())
        .execute();
    },
  },
  "002": {
    up: async (schema) => {
      await schema.schema
        .alterTable("items")
        .addColumn("price", sql`numeric(10, 2)`, (column) => column.defaultTo(1.5))
        .execute();
    },
    down: async (schema) => {
      await schema.schema.alterTable("items").dropColumn("price").execute();
    },
  },
};

async function migrations(): Promise<unknown> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
  const runs = [
    await migrator.migrateToLatest(),
    await migrator.migrateDown(),
    await migrator.migrateToLatest(),
  ];
  const row = await db.insertInto("items").values({ name: "apple" }).returningAll().execute();
  return [runs.map(({ error, results }) => [String(error), results]), row];
}

async function transactions(): Promise<unknown> {
  const twin = await db.transaction().execute(async (transaction) => {
    await transaction.insertInto("items").values({ name: "kept" }).execute();
    return "committed";
  });
  const controlled = await db.startTransaction().setIsolationLevel("serializable").execute();
  const saved = await controlled.savepoint("before_twin").execute();
  const failure = await sqlstateOf(saved.insertInto("items").values({ name: "kept" }).execute());
  await saved.rollbackToSavepoint("before_twin").execute();
  await controlled.insertInto("items").values({ name: "undone" }).execute();
  await controlled.rollback().execute();
  return [twin, failure, await db.selectFrom("items").select("name").orderBy("id").execute()];
}

function statements(): Promise<unknown> {
  return atOnce(async () => {
    let found = 0;
    for (let round = 0; round < 20; round++)
      found += (await db.selectFrom("items").selectAll().where("name", "=", "apple").execute())
        .length;
    return found;
  });
}

async function types(): Promise<unknown> {
  const { rows } = await sql`
    select ${[1, 2, 3]}::int[] as ints, ${["a", 'b"c']}::text[] as texts, ${{ deep: [1, { x: "ü" }] }}::jsonb as json,
      ${"12345678901234567890.0123456789"}::numeric as exact,
      ${new Date(Date.UTC(2024, 1, 29, 12, 30, 15, 123))}::timestamptz as moment, ${Buffer.from([0, 1, 254, 255])}::bytea as bytes,
      ${null}::text as nothing, ${9007199254740993n}::bigint as large, ${true}::bool as truth`.execute(
    db,
  );
  return rows;
}

async function bulk(): Promise<unknown> {
  const names = Array.from({ length: 5000 }, (_, index) => ({ name: `bulk ${index}` }));
  await db.insertInto("items").values(names).execute();
  const { fn } = db;
  return db
    .selectFrom("items")
    .select([fn.countAll().as("rows"), fn.sum("price").as("sum"), fn.max("name").as("last")])
    .execute();
}

async function streams(): Promise<unknown> {
  let rows = 0;
  for await (const _ of db.selectFrom("items").selectAll().stream(500)) rows++;
  return rows;
}

async function concurrency(): Promise<unknown> {
  await sql`create table counter as select 0 as n`.execute(db);
  const tags = await countTogether((tag) =>
    db.transaction().execute(async (transaction) => {
      await transaction
        .updateTable("counter")
        .set((expression) => ({ n: expression("n", "+", 1) }))
        .execute();
      const { rows } = await sql<{ tag: string }>`select ${tag}::text as tag`.execute(transaction);
      return rows[0]?.tag ?? "";
    }),
  );
  return [tags, await db.selectFrom("counter").select("n").execute()];
}

await runStack({
  open,
  topics: { migrations, transactions, statements, types, bulk, streams, concurrency },
  close: () => db.destroy(),
});
