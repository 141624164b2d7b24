/** Prisma 7 with its node-postgres adapter: the client without an engine. */

import { PrismaPg } from "@prisma/adapter-pg";
import { countTogether } from "./concurrency.ts";
import { PrismaClient } from "./generated/client.ts";
import { atOnce, DATABASE_URL, runStack, sqlstateOf } from "./harness.ts";

const prisma = new PrismaClient({
  adapter: new PrismaPg({ connectionString: DATABASE_URL, max: 20 }),
});

/** By SQL: `prisma migrate` has an engine that npm does not carry. */
async function migrations(): Promise<unknown> {
  await prisma.$transaction([
    prisma.$executeRaw`create table items (id serial primary key, name text not null unique)`,
    prisma.$executeRaw`alter table items add column price numeric(10, 2) not null default 1.5`,
    prisma.$executeRaw`create table kinds (id serial primary key, ints int[], texts text[], json jsonb not null,
      exact numeric(40, 10) not null, moment timestamptz not null, bytes bytea not null, maybe text, large bigint not null,
      truth bool not null, real float8 not null)`,
    prisma.$executeRaw`create table counter (id int primary key, n int not null)`,
  ]);
  return prisma.item.create({ data: { name: "apple" } });
}

async function transactions(): Promise<unknown> {
  await prisma.$transaction(async (transaction) =>
    transaction.item.create({ data: { name: "kept" } }),
  );
  const twin = await failureOf(
    prisma.$transaction([
      prisma.item.create({ data: { name: "undone" } }),
      prisma.item.create({ data: { name: "kept" } }),
    ]),
  );
  const undone = await sqlstateOf(
    prisma.$transaction(
      async (transaction) => {
        await transaction.item.create({ data: { name: "undone" } });
        await transaction.$queryRaw`select 1 / 0`;
      },
      { isolationLevel: "Serializable" },
    ),
  );
  return [
    twin,
    undone,
    await prisma.item.findMany({ orderBy: { name: "asc" }, select: { name: true } }),
  ];
}

/** Prisma has codes of its own for the usual failures: P2002 for a twin. */
async function failureOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "no error",
    (error: unknown) =>
      error instanceof Error ? String(Reflect.get(error, "code")) : String(error),
  );
}

function statements(): Promise<unknown> {
  return atOnce(async () => {
    let found = 0;
    for (let round = 0; round < 20; round++)
      found += (await prisma.item.findMany({ where: { name: "apple" } })).length;
    return found;
  });
}

function types(): Promise<unknown> {
  return prisma.kinds.create({
    data: {
      ints: [1, 2, 3],
      texts: ["a", 'b"c'],
      json: { deep: [1, { x: "ü" }] },
      exact: "12345678901234567890.0123456789",
      moment: new Date(Date.UTC(2024, 1, 29, 12, 30, 15, 123)),
      bytes: new Uint8Array([0, 1, 254, 255]),
      large: 9007199254740993n,
      truth: true,
      real: 1.5,
    },
  });
}

async function bulk(): Promise<unknown> {
  await prisma.item.createMany({
    data: Array.from({ length: 5000 }, (_, index) => ({ name: `bulk ${index}` })),
  });
  return prisma.item.aggregate({ _count: true, _max: { name: true }, _sum: { price: true } });
}

async function errors(): Promise<unknown> {
  const texts = ["select 1 / 0", "select * from missing", "selekt 1", "select 'word'::int"];
  const states: string[] = [];
  for (const text of texts) states.push(await sqlstateOf(prisma.$queryRawUnsafe(text)));
  const missing = await failureOf(prisma.item.delete({ where: { name: "nobody" } }));
  return [states, missing, await prisma.$queryRaw`select 1 as n`];
}

async function timeouts(): Promise<unknown> {
  const late = await sqlstateOf(
    prisma.$transaction(async (transaction) => {
      await transaction.$executeRaw`set local statement_timeout = '60ms'`;
      await transaction.$queryRaw`select pg_sleep(20)::text`;
    }),
  );
  return [late, await prisma.$queryRaw`show statement_timeout`];
}

/** Those of a transaction. */
async function settings(): Promise<unknown> {
  const inside = await prisma.$transaction(async (transaction) => {
    await transaction.$executeRaw`set local timezone to 'Asia/Tokyo'`;
    await transaction.$queryRaw`select set_config('my.tag', 'mine', true)`;
    return transaction.$queryRaw`select current_setting('timezone') as zone, current_setting('my.tag') as tag`;
  });
  return [
    inside,
    await prisma.$queryRaw`select coalesce(current_setting('my.tag', true), '') as tag`,
  ];
}

async function concurrency(): Promise<unknown> {
  await prisma.counter.create({ data: { id: 1, n: 0 } });
  const tags = await countTogether((tag) =>
    prisma.$transaction(
      async (transaction) => {
        await transaction.counter.update({ where: { id: 1 }, data: { n: { increment: 1 } } });
        const rows = await transaction.$queryRaw<{ tag: string }[]>`select ${tag}::text as tag`;
        return rows[0]?.tag ?? "";
      },
      // Its own deadlines (2 s and 5 s) are for an idle machine.
      { maxWait: 15_000, timeout: 15_000 },
    ),
  );
  return [tags, await prisma.counter.findMany()];
}

/** Without sessions: outside of a transaction each query may go by another connection. */
await runStack({
  topics: {
    migrations,
    transactions,
    statements,
    types,
    bulk,
    errors,
    timeouts,
    settings,
    concurrency,
  },
  close: () => prisma.$disconnect(),
});
