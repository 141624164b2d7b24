/** TypeORM, with entities as schemas, migrations and its query streams. */

import "reflect-metadata";
import { DataSource, EntitySchema, type MigrationInterface, type QueryRunner } from "typeorm";
import { countTogether } from "./concurrency.ts";
import {
  atOnce,
  DATABASE_URL,
  firstColumn,
  runStack,
  type Session,
  sqlstateOf,
} from "./harness.ts";

interface Item {
  id: number;
  name: string;
  price: string;
}

const Items = new EntitySchema<Item>({
  name: "Item",
  tableName: "items",
  columns: {
    id: { type: "int", primary: true, generated: true },
    name: { type: "text", unique: true },
    price: { type: "numeric", precision: 10, scale: 2, default: 1.5 },
  },
});

class CreateItems1700000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query("create table items (id serial primary key, name text not null unique)");
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query("drop table items");
  }
}

class AddPrice1700000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query("alter table items add column price numeric(10, 2) not null default 1.5");
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query("alter table items drop column price");
  }
}

const source = await new DataSource({
  type: "postgres",
  url: DATABASE_URL,
  poolSize: 20,
  entities: [Items],
  migrations: [CreateItems1700000000001, AddPrice1700000000002],
}).initialize();
const items = source.getRepository(Items);

async function open(): Promise<Session> {
  const own = await new DataSource({
    type: "postgres",
    url: DATABASE_URL,
    poolSize: 1,
  }).initialize();
  const runner = own.createQueryRunner();
  return {
    run: async (statement) => {
      const rows: unknown = await runner.query(statement);
      const list: unknown = Array.isArray(rows) && Array.isArray(rows[0]) ? rows[0] : rows;
      return firstColumn(Array.isArray(list) ? list.filter((row) => typeof row === "object") : []);
    },
    close: async () => {
      await runner.release();
      await own.destroy();
    },
  };
}

async function migrations(): Promise<unknown> {
  const ran = (await source.runMigrations()).map(({ name }) => name);
  await source.undoLastMigration();
  const again = (await source.runMigrations()).map(({ name }) => name);
  return [ran, again, await items.save({ name: "apple" })];
}

async function transactions(): Promise<unknown> {
  const twin = await source.transaction(async (manager) => {
    await manager.insert(Items, { name: "kept" });
    return sqlstateOf(manager.transaction((inner) => inner.insert(Items, { name: "kept" })));
  });
  const undone = await sqlstateOf(
    source.transaction("SERIALIZABLE", async (manager) => {
      await manager.insert(Items, { name: "undone" });
      await manager.query("select 1 / 0");
    }),
  );
  return [twin, undone, await items.find({ select: { name: true }, order: { id: "asc" } })];
}

function statements(): Promise<unknown> {
  return atOnce(async () => {
    let found = 0;
    for (let round = 0; round < 20; round++) found += await items.countBy({ name: "apple" });
    return found;
  });
}

function types(): Promise<unknown> {
  return source.query(
    "select $1::int[] as ints, $2::text[] as texts, $3::jsonb as json, $4::numeric as exact, $5::timestamptz as moment, $6::bytea as bytes",
    [
      [1, 2, 3],
      ["a", 'b"c'],
      { deep: [1, { x: "ü" }] },
      "12345678901234567890.0123456789",
      new Date(Date.UTC(2024, 1, 29, 12, 30, 15, 123)),
      Buffer.from([0, 1, 254, 255]),
    ],
  );
}

async function bulk(): Promise<unknown> {
  const names = Array.from({ length: 5000 }, (_, index) => ({ name: `bulk ${index}` }));
  await items.insert(names);
  return [await items.count(), await items.sum("id")];
}

async function streams(): Promise<unknown> {
  let rows = 0;
  for await (const _ of await items.createQueryBuilder("item").stream()) rows++;
  return rows;
}

async function concurrency(): Promise<unknown> {
  await source.query("create table counter as select 0 as n");
  const tags = await countTogether((tag) =>
    source.transaction(async (manager) => {
      await manager.query("update counter set n = n + 1");
      const rows = await manager.query<{ tag: string }[]>("select $1::text as tag", [tag]);
      return rows[0]?.tag ?? "";
    }),
  );
  return [tags, await source.query("select n from counter")];
}

await runStack({
  open,
  topics: { migrations, transactions, statements, types, bulk, streams, concurrency },
  close: () => source.destroy(),
});
