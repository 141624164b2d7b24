/**
 * Statements whose columns or parameters changed since a client was told of them. A direct connection refuses
 * such a one (0A000), so that nobody reads rows by an old description; here it is prepared anew on another
 * server, and must neither be answered in a form that the client does not expect, nor refused to a client
 * that asks which form it is.
 */

// oxlint-disable no-await-in-loop -- one server after the other

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { Churn } from "../../support/churn.ts";
import {
  bind,
  closeStatement,
  describePortal,
  describeStatement,
  execute,
  join,
  parse,
  query,
  sync,
} from "../../support/frontend-messages.ts";
import type { RawClient } from "../../support/raw-client.ts";
import { Bench } from "../../support/same-as-postgres.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start();
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

const REFUSED = "ErrorResponse ERROR: 0A000: cached plan must not change result type";

/** As postgres.js and pgjdbc: they keep the description of before. */
const asTold = (statement: string): Uint8Array => join(bind(statement), execute(), sync);

/** As node-postgres: it asks each time. */
const asking = (statement: string): Uint8Array =>
  join(bind(statement), describePortal(""), execute(), sync);

function errorsOf(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith("ErrorResponse"));
}

/** What the client was told of its columns, and the rows. */
function resultOf(lines: readonly string[]): string[] {
  return lines.filter((line) => /^(RowDescription|DataRow|ErrorResponse)/.test(line));
}

/** Prepares `text` as "one" on one server only, and tells its columns. */
async function prepared(client: RawClient, churn: Churn, text: string): Promise<void> {
  await churn.rotate();
  await client.run(join(parse("one", text), describeStatement("one"), sync));
  expect(errorsOf(await client.run(asTold("one")))).toEqual([]);
}

/** Each test has a table of its own, so that none meets statements of another. */
function* tableNames(): Generator<string, never> {
  for (let number = 1; ; number += 1) yield `t_${number}`;
}

const names = tableNames();

async function newTable(): Promise<string> {
  const name = names.next().value;
  await bench.postgres.query(`create table ${name} (a int, b int)`);
  await bench.postgres.query(`insert into ${name} values (1, 2)`);
  return name;
}

describe.each(["a client of the pool", "somebody else"])("columns changed by %s", (by) => {
  async function alter(sql: string): Promise<void> {
    if (by === "somebody else") return void (await bench.postgres.query(sql));
    await using client = await bench.pooled();
    expect(errorsOf(await client.run(query(sql)))).toEqual([]);
  }

  test("are not sent to who was told of other ones, on a server that never had the statement", async () => {
    const name = await newTable();
    await using churn = await Churn.start(bench.pooler.target());
    await using client = await bench.pooled();
    await prepared(client, churn, `select * from ${name}`);
    await alter(`alter table ${name} alter b type text using 'text ' || b`);
    for (let time = 0; time < 3; time += 1) {
      await churn.rotate();
      const lines = await client.run(asTold("one"));
      expect(resultOf(lines)).toEqual([REFUSED]);
    }
    await churn.rotate();
    const anew = join(closeStatement("one"), parse("one", `select * from ${name}`));
    await client.run(join(anew, describeStatement("one"), sync));
    for (let time = 0; time < 3; time += 1) {
      await churn.rotate();
      const lines = await client.run(asTold("one"));
      expect(resultOf(lines)).toEqual(['DataRow "1" | "text 2"']);
    }
  });

  test("nor is anything done for who was told of other ones", async () => {
    const name = await newTable();
    await using churn = await Churn.start(bench.pooler.target());
    await using client = await bench.pooled();
    await prepared(client, churn, `update ${name} set a = a + 1 returning *`);
    await alter(`alter table ${name} alter b type text using b::text`);
    await churn.rotate();
    expect(resultOf(await client.run(asTold("one")))).toEqual([REFUSED]);
    expect(await bench.postgres.query(`select a from ${name}`)).toEqual([{ a: 2 }]);
  });

  test("are told to who asks in the same breath, and expected by it from then on", async () => {
    const name = await newTable();
    await using churn = await Churn.start(bench.pooler.target());
    await using client = await bench.pooled();
    await prepared(client, churn, `select * from ${name}`);
    await alter(`alter table ${name} alter b type text using 'text ' || b`);
    await churn.rotate();
    const lines = await client.run(asking("one"));
    expect(resultOf(lines)).toEqual(["RowDescription a:23 | b:25", 'DataRow "1" | "text 2"']);
    for (let time = 0; time < 3; time += 1) {
      await churn.rotate();
      const later = await client.run(asTold("one"));
      expect(resultOf(later)).toEqual(['DataRow "1" | "text 2"']);
    }
  });

  test("are told to who describes the statement again", async () => {
    const name = await newTable();
    await using churn = await Churn.start(bench.pooler.target());
    await using client = await bench.pooled();
    await prepared(client, churn, `select * from ${name}`);
    await alter(`alter table ${name} add c text`);
    await churn.rotate();
    const told = await client.run(join(describeStatement("one"), sync));
    expect(resultOf(told)).toEqual(["RowDescription a:23 | b:23 | c:25"]);
    await churn.rotate();
    expect(resultOf(await client.run(asTold("one")))).toEqual(['DataRow "1" | "2" | NULL']);
  });

  test("leave alone who only has the table dropped and made again as it was", async () => {
    const name = await newTable();
    await using churn = await Churn.start(bench.pooler.target());
    await using client = await bench.pooled();
    await prepared(client, churn, `select * from ${name}`);
    await alter(`drop table ${name}`);
    await alter(`create table ${name} (a int, b int)`);
    for (let time = 0; time < 3; time += 1) {
      await churn.rotate();
      expect(errorsOf(await client.run(asTold("one")))).toEqual([]);
    }
  });
});

const insert = join(bind("one", ["7"]), execute(), sync);

function insertInto(name: string): Uint8Array {
  return join(parse("one", `insert into ${name} values ($1, 1)`), describeStatement("one"), sync);
}

test("what the client has set in its transaction keeps it from nothing", async () => {
  const name = await newTable();
  await using churn = await Churn.start(bench.pooler.target());
  await using client = await bench.pooled();
  await prepared(client, churn, `select * from ${name}`);
  await client.run(query(`alter table ${name} add c text`));
  await churn.rotate();
  await client.run(query("begin; set enable_seqscan to off; set role none"));
  const lines = await client.run(asking("one"));
  expect(resultOf(lines)).toEqual([
    "RowDescription a:23 | b:23 | c:25",
    'DataRow "1" | "2" | NULL',
  ]);
  await client.run(query("commit"));
  await churn.rotate();
  expect(resultOf(await client.run(asTold("one")))).toEqual(['DataRow "1" | "2" | NULL']);
});

/** Both servers have it, and the table has one column more than the client knows of. */
async function changed(client: RawClient, churn: Churn): Promise<string> {
  const name = await newTable();
  await prepared(client, churn, `select * from ${name}`);
  await churn.rotate();
  await client.run(asTold("one"));
  await bench.postgres.query(`alter table ${name} add c text`);
  await churn.rotate();
  return name;
}

describe("a change by somebody else, where all servers have the statement,", () => {
  const NEW = ["RowDescription a:23 | b:23 | c:25", 'DataRow "1" | "2" | NULL'];

  test("is not felt by who asks each time", async () => {
    await using churn = await Churn.start(bench.pooler.target());
    await using client = await bench.pooled();
    await changed(client, churn);
    const lines = await client.run(asking("one"));
    expect(lines).toEqual(["BindComplete", ...NEW, "CommandComplete SELECT 1", "ReadyForQuery I"]);
    await churn.rotate();
    expect(resultOf(await client.run(asking("one")))).toEqual(NEW);
  });

  test("is not felt by who describes the statement again", async () => {
    await using churn = await Churn.start(bench.pooler.target());
    await using client = await bench.pooled();
    await changed(client, churn);
    const lines = await client.run(join(describeStatement("one"), asTold("one")));
    expect(resultOf(lines)).toEqual(NEW);
  });

  test("is not felt by who prepares it only now", async () => {
    await using churn = await Churn.start(bench.pooler.target());
    await using client = await bench.pooled();
    await using late = await bench.pooled();
    const name = await changed(client, churn);
    const anew = join(parse("late", `select * from ${name}`), describeStatement("late"), sync);
    expect(await late.run(anew)).toEqual([
      "ParseComplete",
      "ParameterDescription",
      NEW[0] ?? "",
      "ReadyForQuery I",
    ]);
    expect(resultOf(await late.run(asTold("late")))).toEqual(NEW.slice(1));
  });

  test("is told once, and at the place of the Bind, to who relies on what it was told", async () => {
    await using churn = await Churn.start(bench.pooler.target());
    await using client = await bench.pooled();
    await changed(client, churn);
    for (let time = 0; time < 3; time += 1) {
      expect(await client.run(asTold("one"))).toEqual([REFUSED, "ReadyForQuery I"]);
      await churn.rotate();
    }
  });

  test("is told inside a transaction, which is over, as on a direct connection", async () => {
    await using churn = await Churn.start(bench.pooler.target());
    await using client = await bench.pooled();
    await changed(client, churn);
    await client.run(query("begin"));
    expect(await client.run(asking("one"))).toEqual([REFUSED, "ReadyForQuery E"]);
    await client.run(query("rollback"));
    expect(resultOf(await client.run(asking("one")))).toEqual(NEW);
  });

  test("is told to who has sent more by then, in its order", async () => {
    await using churn = await Churn.start(bench.pooler.target());
    await using client = await bench.pooled();
    await changed(client, churn);
    const lines = await client.run(join(asking("one"), asking("one")), 2);
    expect(lines).toEqual([REFUSED, "ReadyForQuery I", REFUSED, "ReadyForQuery I"]);
    expect(resultOf(await client.run(asking("one")))).toEqual(NEW);
  });

  test("is told, or mended, to who sends byte by byte, and never both", async () => {
    await using churn = await Churn.start(bench.pooler.target());
    await using client = await bench.pooled();
    await changed(client, churn);
    const mended = ["BindComplete", ...NEW, "CommandComplete SELECT 1", "ReadyForQuery I"];
    // While the client waits for a server, all of its bytes come together.
    const told = [REFUSED, "ReadyForQuery I"];
    expect([told, mended]).toContainEqual(await client.run(asking("one"), 1, "bytes"));
    expect(resultOf(await client.run(asking("one"), 1, "bytes"))).toEqual(NEW);
  });

  test("has nothing done twice that comes before it in the same breath", async () => {
    await using churn = await Churn.start(bench.pooler.target());
    await using client = await bench.pooled();
    const name = await changed(client, churn);
    const before = join(parse("", `insert into ${name} values (5)`), bind(""), execute());
    const lines = await client.run(join(before, asking("one")));
    expect(errorsOf(lines)).toEqual([REFUSED]);
    expect(await bench.postgres.query(`select 1 from ${name} where a = 5`)).toEqual([]);
  });
});

test("one change of a table is felt by none of a hundred clients who ask each time", async () => {
  const name = await newTable();
  const text = `select * from ${name}`;
  await using stack = new AsyncDisposableStack();
  const clients = await Promise.all(Array.from({ length: 100 }, () => bench.pooled()));
  for (const client of clients) stack.use(client);
  await Promise.all(clients.map((client) => client.run(join(parse("one", text), asking("one")))));
  for (const column of ["c", "d", "e"]) {
    await bench.postgres.query(`alter table ${name} add ${column} text`);
    for (let time = 0; time < 2; time += 1) {
      const all = await Promise.all(clients.map((client) => client.run(asking("one"))));
      expect(all.flatMap(errorsOf)).toEqual([]);
      expect(all.every((lines) => lines.some((line) => line.includes(`| ${column}:25`)))).toBe(
        true,
      );
    }
  }
});

describe("a parameter whose type was told to a client", () => {
  test("keeps it on a server that would find another one, as it does on a direct connection", async () => {
    const name = await newTable();
    await using churn = await Churn.start(bench.pooler.target());
    await using client = await bench.pooled();
    await churn.rotate();
    expect(await client.run(insertInto(name))).toContain("ParameterDescription 23");
    // Of the same length: the bits of an int4 would be taken for those of a float4.
    await bench.postgres.query(`alter table ${name} alter a type float4`);
    await churn.rotate();
    expect(await client.run(join(describeStatement("one"), sync))).toContain(
      "ParameterDescription 23",
    );
    expect(await client.run(insert)).toContain("CommandComplete INSERT 0 1");
  });

  test("is not taken for another one when the statement is prepared anew", async () => {
    const name = await newTable();
    await using churn = await Churn.start(bench.pooler.target());
    await using client = await bench.pooled();
    await churn.rotate();
    await client.run(insertInto(name));
    await client.run(query(`alter table ${name} alter a type float4`));
    await churn.rotate();
    expect((await client.run(insert))[0]).toBe(REFUSED);
    expect(await client.run(join(describeStatement("one"), sync))).toContain(
      "ParameterDescription 700",
    );
    expect(await client.run(insert)).toContain("CommandComplete INSERT 0 1");
  });
});
