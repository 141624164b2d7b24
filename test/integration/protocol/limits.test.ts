/**
 * What a client can make the pooler keep in memory, and what it keeps on servers: bounded, and
 * answered as PostgreSQL answers it all the same.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  bind,
  closeStatement,
  describeStatement,
  execute,
  extended,
  join,
  parse,
  query,
  sync,
} from "../../support/frontend-messages.ts";
import { RawClient } from "../../support/raw-client.ts";
import { Bench, type Step } from "../../support/same-as-postgres.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start({
    config: { maxPreparedStatements: 2, maxClientPreparedStatements: 8 },
    tenant: { default_pool_strategy: "lifo" },
  });
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

const run = (statement: string): Uint8Array => join(bind(statement), execute());
const NAMES = ["a", "b", "c", "d", "e", "f"] as const;
const parseAll = join(...NAMES.map((name) => parse(name, `select '${name}'`)));
const runAll = join(...NAMES.map(run));

describe("with two statements for each server, answers as PostgreSQL does:", () => {
  const scripts: Readonly<Record<string, readonly Step[]>> = {
    "more of them in one pipeline": [
      { send: join(parseAll, runAll, sync) },
      { send: join(runAll, runAll, sync), rotate: true },
      { send: join(run("a"), sync), rotate: true },
      { send: join(runAll, sync), rotate: true },
    ],
    "more of them, a Sync behind each": [
      { send: join(parseAll, sync) },
      { send: join(...NAMES.map((name) => join(run(name), sync))), ready: 6, rotate: true },
      { send: join(...NAMES.map((name) => join(run(name), sync))), ready: 6, rotate: true },
    ],
    "more of them, and an error among them": [
      { send: join(parse("a", "select 'a'"), sync) },
      {
        send: join(
          join(
            run("a"),
            parse("", "selec"),
            parse("b", "select 'b'"),
            parse("c", "select 'c'"),
            sync,
          ),
          join(run("b"), sync),
          join(parse("b", "select 'new b'"), parse("c", "select 'new c'"), run("a"), sync),
          join(run("b"), run("c"), run("a"), sync),
        ),
        ready: 4,
        rotate: true,
      },
      { send: join(run("b"), run("c"), run("a"), sync), rotate: true },
    ],
    "closed ones that make room and are skipped": [
      { send: join(parse("a", "select 'a'"), closeStatement("a"), sync) },
      { send: join(parse("b", "select 'b'"), closeStatement("b"), sync) },
      { send: join(extended("select 1/0"), parse("c", "select 'c'"), sync) },
      { send: join(parse("a", "select 'a'"), parse("b", "select 'b'"), run("a"), run("b"), sync) },
      { send: join(describeStatement("a"), describeStatement("b"), sync), rotate: true },
    ],
    "those that don't exist any more when they are needed again": [
      { send: join(parseAll, sync) },
      { send: query("begin") },
      { send: join(runAll, sync) },
      { send: query("select 1/0") },
      { send: join(run("a"), sync) },
      { send: query("rollback") },
      { send: join(runAll, sync), rotate: true },
    ],
  };

  test.each(Object.entries(scripts))("%s", async (_name, steps) => {
    const { expected, actual } = await bench.compare(steps);
    expect(actual).toEqual([...expected]);
    const repeated = await bench.compare([...steps.slice(0, -1), ...steps.slice(-1)], "bytes");
    expect(repeated.actual).toEqual([...repeated.expected]);
  });

  test("keeps two on each server once its client has let it go", async () => {
    await using client = await bench.pooled();
    await client.run(join(parseAll, runAll, sync));
    await client.run(join(parse("g", "select 'g'"), run("g"), sync));
    const lines = await client.run(
      query("select count(*) < 4 from pg_prepared_statements where name like 'carpool%'"),
    );
    expect(lines).toContain('DataRow "t"');
  });

  test("refuses one statement more than a client may have, and goes on", async () => {
    await using client = await bench.pooled();
    const names = Array.from({ length: 9 }, (_, index) => `s${index}`);
    const many = await client.run(join(...names.map((name) => parse(name, "select 1")), sync));
    expect(many.filter((line) => line === "ParseComplete")).toHaveLength(8);
    expect(many.at(-2)).toStartWith("ErrorResponse ERROR: 53400: too many prepared statements");
    await client.run(join(closeStatement("s0"), sync));
    expect(await client.run(join(parse("s8", "select 8"), run("s8"), sync))).toContain(
      'DataRow "8"',
    );
  });
});

describe("a client that does not read", () => {
  test("gets the replies to 5000 pipelined queries all the same", async () => {
    await using client = await bench.pooled();
    client.pause();
    await client.send(
      join(...Array.from({ length: 5000 }, (_, index) => join(extended(`select ${index}`), sync))),
    );
    await neighbourServed();
    client.resume();
    const lines = await client.untilReady(5000);
    const rows = lines.filter((line) => line.startsWith("DataRow"));
    expect(rows).toEqual(Array.from({ length: 5000 }, (_, index) => `DataRow "${index}"`));
  });

  test("does not fill the memory with 100 MB of rows", async () => {
    const before = memoryBytes();
    await using client = await bench.pooled();
    client.pause();
    await client.send(query("select repeat('x', 100000) from generate_series(1, 1000)"));
    await bench.untilServerWrites();
    await neighbourServed();
    expect(memoryBytes() - before).toBeLessThan(40_000_000);
    client.resume();
    const rows = (await client.untilReady()).filter((line) => line.startsWith("DataRow"));
    expect(rows).toHaveLength(1000);
  });

  test.each([
    ["Sync", sync],
    ["Close", closeStatement("nobody")],
  ])("is not read on once it has left too many answers to %s unread", async (_name, request) => {
    await using client = await bench.pooled();
    client.pause();
    const requests = join(...Array.from({ length: 100_000 }, () => request));
    expect(await takesAll(client, requests, 100)).toBe(false);
    await neighbourServed();
  });

  test("is not read on while it waits for a server", async () => {
    await using first = await bench.pooled();
    await using second = await bench.pooled();
    await first.run(query("begin"));
    await second.run(query("begin"));
    await using client = await bench.pooled();
    await client.send(query("select 'waited'"));
    const queries = join(
      ...Array.from({ length: 100 }, () => query(`select '${"x".repeat(10_000)}'`)),
    );
    expect(await takesAll(client, queries, 30)).toBe(false);
    await first.run(query("commit"));
    expect(await client.untilReady()).toContain('DataRow "waited"');
    await second.run(query("commit"));
  });
});

describe("messages of 5 MB", () => {
  const long = "x".repeat(5_000_000);
  const answered = 'DataRow "5000000"';

  test.each([
    ["a Query", query(`select length('${long}')`)],
    ["an unnamed Parse", join(parse("", `select length('${long}')`), bind(""), execute(), sync)],
    ["a Bind", join(parse("", "select length($1::text)"), bind("", [long]), execute(), sync)],
    [
      "a Bind of a named statement",
      join(parse("n", "select length($1::text)"), bind("n", [long]), execute(), sync),
    ],
  ])("pass: %s", async (_name, bytes) => {
    await using client = await bench.pooled();
    expect(await client.run(bytes)).toContain(answered);
    const cuts = [1, 3, 7, 100_000, 1_000_001, 4_999_999];
    await using other = await bench.pooled();
    expect(await other.run(bytes, 1, cuts)).toContain(answered);
  });

  test("are refused as a named statement, with what to do about it", async () => {
    await using client = await bench.pooled();
    const lines = await client.run(join(parse("long", `select length('${long}')`), sync));
    expect(lines[0]).toStartWith("ErrorResponse ERROR: 54000: prepared statement is too large");
    expect(await client.run(join(run("long"), sync))).toEqual([
      'ErrorResponse ERROR: 26000: prepared statement "long" does not exist',
      "ReadyForQuery I",
    ]);
  });

  test("come back as rows and as errors", async () => {
    await using client = await bench.pooled();
    expect(await client.run(query("select repeat('x', 5000000)"))).toContain(
      "DataRow 5000000 characters",
    );
    const lines = await client.run(
      query("do $$ begin raise exception '%', repeat('x', 5000000); end $$"),
    );
    expect(lines[0]).toMatch(/^ErrorResponse 50\d{5} bytes$/);
    expect(lines[1]).toBe("ReadyForQuery I");
  });
});

test.each(["", "named"])("prepares a statement %p of 900 kB that comes in pieces", async (name) => {
  const sql = `select length('${"x".repeat(900_000)}')`;
  const bytes = join(parse(name, sql), bind(name), execute(), sync);
  await using client = await bench.pooled();
  const cuts = [3, 70_000, 70_001, 140_000, 500_000];
  expect(await client.run(bytes, 1, cuts)).toContain('DataRow "900000"');
});

test("describes 1600 columns in a pipeline with Close and Parse behind it", async () => {
  const columns = Array.from({ length: 1600 }, (_, index) => `1 as ${"c".repeat(55)}_${index}`);
  const wide = `select ${columns.join(", ")}`;
  const steps: readonly Step[] = [
    { send: join(parse("wide", wide), parse("one", "select 1"), sync) },
    {
      send: join(
        ...Array.from({ length: 5 }, () =>
          join(describeStatement("wide"), closeStatement("nobody"), describeStatement("one")),
        ),
        join(closeStatement("one"), parse("one", "select 1"), run("one"), sync),
      ),
      rotate: true,
    },
  ];
  const { expected, actual } = await bench.compare(steps);
  expect(actual).toEqual([...expected]);
});

/** Sends `bytes` so many times. Returns whether the other side takes them all from a client that reads nothing. */
async function takesAll(client: RawClient, bytes: Uint8Array, times: number): Promise<boolean> {
  for (let round = 0; round < times; round += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other, as long as they are taken
    await client.send(bytes);
    // oxlint-disable-next-line no-await-in-loop
    if (!(await client.flushed(3000))) return false;
  }
  return true;
}

async function neighbourServed(): Promise<void> {
  await using neighbour = await RawClient.connect(bench.pooler.target());
  expect(await neighbour.run(query("select 'neighbour'"))).toContain('DataRow "neighbour"');
}

function memoryBytes(): number {
  Bun.gc(true);
  return process.memoryUsage.rss();
}
