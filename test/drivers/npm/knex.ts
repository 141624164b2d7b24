/** Knex, with its migrations. */

import createKnex, { type Knex } from "knex";
import { countTogether } from "./concurrency.ts";
import {
  atOnce,
  DATABASE_URL,
  firstColumn,
  runStack,
  type Session,
  sqlstateOf,
} from "./harness.ts";

const connect = (max: number): Knex =>
  createKnex({ client: "pg", connection: DATABASE_URL, pool: { min: 0, max } });

const knex = connect(20);

async function open(): Promise<Session> {
  const own = connect(1);
  return {
    run: async (statement) => firstColumn((await own.raw(statement)).rows),
    close: () => own.destroy(),
  };
}

const MIGRATIONS = new Map<string, Knex.Migration>(
  Object.entries({
    first: {
      up: async (schema) =>
        schema.schema.createTable("items", (table) => {
          table.increments("id");
          table.text("name").notNullable().unique();
        }),
      down: async (schema) => schema.schema.dropTable("items"),
    },
    second: {
      up: async (schema) =>
        schema.schema.alterTable("items", (table) => {
          table.decimal("price", 10, 2).defaultTo(1.5);
        }),
      down: async (schema) =>
        schema.schema.alterTable("items", (table) => table.dropColumn("price")),
    },
  }),
);

async function migrations(): Promise<unknown> {
  const migrationSource: Knex.MigrationSource<string> = {
    getMigrations: async () => [...MIGRATIONS.keys()],
    getMigrationName: (name) => name,
    getMigration: async (name) => MIGRATIONS.get(name) ?? Promise.reject(new Error(name)),
  };
  const config = { migrationSource };
  const runs = [
    await knex.migrate.latest(config),
    await knex.migrate.rollback(config),
    await knex.migrate.latest(config),
  ];
  return [runs, await knex("items").insert({ name: "apple" }).returning("*")];
}

async function transactions(): Promise<unknown> {
  const twin = await knex.transaction(async (transaction) => {
    await transaction("items").insert({ name: "kept" });
    return sqlstateOf(transaction.transaction((inner) => inner("items").insert({ name: "kept" })));
  });
  const undone = await sqlstateOf(
    knex.transaction(
      async (transaction) => {
        await transaction("items").insert({ name: "undone" });
        await transaction.raw("select 1 / 0");
      },
      { isolationLevel: "serializable" },
    ),
  );
  return [twin, undone, await knex("items").select("name").orderBy("id")];
}

function statements(): Promise<unknown> {
  return atOnce(async () => {
    let found = 0;
    for (let round = 0; round < 20; round++)
      found += (await knex("items").where({ name: "apple" })).length;
    return found;
  });
}

async function types(): Promise<unknown> {
  const { rows } = await knex.raw(
    `select ?::int[] as ints, ?::text[] as texts, ?::jsonb as json, ?::numeric as exact, ?::timestamptz as moment, ?::bytea as bytes`,
    [
      [1, 2, 3],
      ["a", 'b"c'],
      JSON.stringify({ deep: [1, { x: "ü" }] }),
      "12345678901234567890.0123456789",
      new Date(Date.UTC(2024, 1, 29, 12, 30, 15, 123)),
      Buffer.from([0, 1, 254, 255]),
    ],
  );
  return rows;
}

async function bulk(): Promise<unknown> {
  const names = Array.from({ length: 5000 }, (_, index) => ({ name: `bulk ${index}` }));
  await knex.batchInsert("items", names, 1000);
  return knex("items").count("* as rows").sum("price as sum").max("name as last");
}

async function concurrency(): Promise<unknown> {
  await knex.raw("create table counter as select 0 as n");
  const tags = await countTogether((tag) =>
    knex.transaction(async (transaction) => {
      await transaction("counter").increment("n");
      const { rows } = await transaction.raw("select ?::text as tag", [tag]);
      return String(rows[0].tag);
    }),
  );
  return [tags, await knex("counter")];
}

await runStack({
  open,
  topics: { migrations, transactions, statements, types, bulk, concurrency },
  close: () => knex.destroy(),
});
