/**
 * A worker is killed whose clients have come to another one, and have prepared statements: they have them still, and
 * no one reads rows by the description of a table that has changed meanwhile.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  bind,
  describeStatement,
  execute,
  join,
  parse,
  query,
  sync,
} from "../support/frontend-messages.ts";
import { codeIn, FarSetup, FarSide } from "./support/far-side.ts";

let setup: FarSetup;
let far: FarSide;

beforeAll(async () => {
  setup = await FarSetup.make();
  far = await FarSide.start(setup);
});
afterAll(async () => {
  await far[Symbol.asyncDispose]();
  await setup[Symbol.asyncDispose]();
});

describe("a client with named statements whose owner is killed", () => {
  test("goes on with them through several deaths, by the drivers that make them", async () => {
    const pg = await far.pg();
    const js = await far.postgresJs(true);
    const byName = (two: number) =>
      pg.query({ name: "one", text: "select $1::int + 1 as sum", values: [two] });
    expect((await byName(1)).rows).toEqual([{ sum: 2 }]);
    const asked = (n: number) => js`select ${n}::int * 2 as double, 'text' as as_text`;
    expect(await asked(2)).toMatchObject([{ double: 4 }]);
    for (let death = 0; death < 2; death += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one death after the other
      await far.ticketsWritten();
      // oxlint-disable-next-line no-await-in-loop -- as above
      await far.killOwner();
      // oxlint-disable-next-line no-await-in-loop -- as above
      const [rows, doubles] = await Promise.all([byName(death), asked(death)]);
      expect(rows.rows).toEqual([{ sum: death + 1 }]);
      expect(doubles).toMatchObject([{ double: death * 2, as_text: "text" }]);
    }
    await Promise.all([pg.end(), js.end()]);
  });

  test("has the names that it had, and no others", async () => {
    await using client = await far.raw();
    await client.run(join(parse("kept", "select 'kept'"), parse("gone", "select 1"), sync));
    await client.run(query("set application_name to 'mine'; deallocate gone"));
    await far.ticketsWritten();
    await far.killOwner();
    const kept = await client.run(join(bind("kept"), execute(), sync));
    expect(kept.join()).toContain('"kept"');
    const again = await client.run(join(parse("kept", "select 2"), sync));
    expect(codeIn(again)).toBe("42P05");
    const gone = await client.run(join(bind("gone"), execute(), sync));
    expect(codeIn(gone)).toBe("26000");
    expect((await client.run(query("show application_name"))).join()).toContain("mine");
  });

  test("is refused a statement whose columns were changed while nobody looked, until it is told", async () => {
    const { postgres } = setup;
    await postgres.query("create table changing (a int); insert into changing values (1)");
    await using client = await far.raw();
    await client.run(
      join(parse("rows", "select * from changing"), describeStatement("rows"), sync),
    );
    await far.ticketsWritten();
    await postgres.query("alter table changing add column b text default 'new'");
    await far.killOwner();
    const lines = await client.run(join(bind("rows"), execute(), sync));
    expect(codeIn(lines)).toBe("0A000");
    await client.run(join(describeStatement("rows"), sync));
    const told = await client.run(join(bind("rows"), execute(), sync));
    expect(told.join()).toContain('"new"');
  });

  test("is told 57P01 where a statement meant something by a transaction that is over", async () => {
    await using client = await far.raw();
    await client.run(query("begin; set local search_path to pg_catalog"));
    await client.run(join(parse("inside", "select 1"), sync));
    await client.run(query("commit"));
    await far.ticketsWritten();
    await far.killOwner();
    expect(codeIn(await client.untilClosed())).toBe("57P01");
  });
});
