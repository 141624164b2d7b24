/** Sequelize. */

import { DataTypes, QueryTypes, Sequelize, Transaction } from "sequelize";
import { countTogether } from "./concurrency.ts";
import {
  atOnce,
  DATABASE_URL,
  firstColumn,
  runStack,
  type Session,
  sqlstateOf,
} from "./harness.ts";

const connect = (max: number): Sequelize =>
  new Sequelize(DATABASE_URL, { logging: false, pool: { max }, define: { timestamps: false } });

const sequelize = connect(20);

const Item = sequelize.define("item", {
  name: { type: DataTypes.TEXT, allowNull: false, unique: true },
  price: { type: DataTypes.DECIMAL(10, 2), defaultValue: "1.50" },
});

const Kinds = sequelize.define("kinds", {
  ints: DataTypes.ARRAY(DataTypes.INTEGER),
  texts: DataTypes.ARRAY(DataTypes.TEXT),
  json: DataTypes.JSONB,
  exact: DataTypes.DECIMAL(40, 10),
  moment: DataTypes.DATE,
  bytes: DataTypes.BLOB,
  large: DataTypes.BIGINT,
  truth: DataTypes.BOOLEAN,
});

async function open(): Promise<Session> {
  const own = connect(1);
  return {
    run: async (statement) => {
      const [rows] = await own.query(statement);
      return firstColumn(Array.isArray(rows) ? rows.map(Object) : []);
    },
    close: () => own.close(),
  };
}

async function migrations(): Promise<unknown> {
  await sequelize.sync();
  const schema = sequelize.getQueryInterface();
  await schema.addColumn("items", "extra", { type: DataTypes.TEXT });
  await schema.removeColumn("items", "extra");
  await sequelize.sync({ alter: true });
  return [await Item.create({ name: "apple" }), Object.keys(await schema.describeTable("items"))];
}

async function transactions(): Promise<unknown> {
  await sequelize.transaction((transaction) => Item.create({ name: "kept" }, { transaction }));
  const twin = await sqlstateOf(
    sequelize.transaction((transaction) => Item.create({ name: "kept" }, { transaction })),
  );
  const undone = await sqlstateOf(
    sequelize.transaction(
      { isolationLevel: Transaction.ISOLATION_LEVELS.SERIALIZABLE },
      async (transaction) => {
        await Item.create({ name: "undone" }, { transaction });
        await sequelize.query("select 1 / 0", { transaction });
      },
    ),
  );
  return [twin, undone, await Item.findAll({ attributes: ["name"], order: ["name"] })];
}

function statements(): Promise<unknown> {
  return atOnce(async (client) => {
    let sum = 0;
    for (let round = 0; round < 20; round++) {
      const rows = await sequelize.query<{ n: number }>(
        "select $1::int * 2 as n, $2::text as word",
        {
          bind: [round, `client ${client}`],
          type: QueryTypes.SELECT,
        },
      );
      sum += rows[0]?.n ?? 0;
    }
    return sum;
  });
}

async function types(): Promise<unknown> {
  await Kinds.create({
    ints: [1, 2, 3],
    texts: ["a", 'b"c'],
    json: { deep: [1, { x: "ü" }] },
    exact: "12345678901234567890.0123456789",
    moment: new Date(Date.UTC(2024, 1, 29, 12, 30, 15, 123)),
    bytes: Buffer.from([0, 1, 254, 255]),
    large: "9007199254740993",
    truth: true,
  });
  return Kinds.findAll();
}

async function bulk(): Promise<unknown> {
  await Item.bulkCreate(Array.from({ length: 5000 }, (_, index) => ({ name: `bulk ${index}` })));
  return [await Item.count(), await Item.max("name"), await Item.sum("price")];
}

async function concurrency(): Promise<unknown> {
  await sequelize.query("create table counter as select 0 as n");
  const tags = await countTogether((tag) =>
    sequelize.transaction(async (transaction) => {
      await sequelize.query("update counter set n = n + 1", { transaction });
      const rows = await sequelize.query<{ tag: string }>("select $1::text as tag", {
        bind: [tag],
        type: QueryTypes.SELECT,
        transaction,
      });
      return rows[0]?.tag ?? "";
    }),
  );
  return [tags, await sequelize.query("select n from counter", { type: QueryTypes.SELECT })];
}

await runStack({
  open,
  topics: { migrations, transactions, statements, types, bulk, concurrency },
  close: () => sequelize.close(),
});
