/**
 * COPY in transaction mode, against PostgreSQL itself: by Query and by Execute, in and out, failing
 * before, in and after its data, with the data sent before anybody asked for it.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  bind,
  copyData,
  copyDone,
  copyFail,
  describePortal,
  execute,
  extended,
  flush,
  join,
  parse,
  query,
  sync,
} from "../../support/frontend-messages.ts";
import { nextTurn } from "../../support/raw-client.ts";
import { Bench, type Step } from "../../support/same-as-postgres.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start();
  await bench.postgres.query("create table copied (a int primary key, b text)");
  await bench.postgres.query("create view copied_view as select 1 as a");
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

const COPY = "copy copied from stdin";
const INTO_VIEW = "copy copied_view from stdin";
const byExecute = join(parse("", COPY), bind(""), describePortal(""), execute());
const rows = join(copyData("1\tone\n"), copyData("2\ttwo\n3\tthree"), copyData("\n"));
const seen: Step = { send: query("select * from copied order by a; truncate copied") };

const SCRIPTS: Readonly<Record<string, readonly Step[]>> = {
  "in by Query": [
    { send: query(COPY), until: "CopyInResponse" },
    { send: rows, ready: 0 },
    { send: copyDone },
    { ...seen, rotate: true },
  ],
  "in by Query, its data not waited for": [
    { send: join(query(COPY), rows, copyDone) },
    { ...seen, rotate: true },
    { send: join(query(COPY), copyDone, query("select 1")), ready: 2, rotate: true },
    { send: join(query(COPY), rows, copyFail("enough"), query("select 2")), ready: 2 },
    seen,
  ],
  "in by Execute, the Sync behind the data": [
    { send: byExecute, ready: 0 },
    { send: flush, until: "CopyInResponse" },
    { send: join(rows, copyDone, sync) },
    { ...seen, rotate: true },
  ],
  "in by Execute, a Sync in front of the data and one behind it, as libpq does": [
    { send: join(byExecute, sync), until: "CopyInResponse" },
    { send: join(rows, copyDone, sync) },
    { ...seen, rotate: true },
    { send: join(byExecute, sync, sync, flush), until: "CopyInResponse" },
    { send: join(rows, copyDone, sync) },
    { ...seen, rotate: true },
  ],
  "in by Execute, all at once": [
    { send: join(byExecute, sync, rows, copyDone, sync) },
    { ...seen, rotate: true },
    { send: join(byExecute, rows, copyDone, sync), rotate: true },
    { ...seen, rotate: true },
    { send: join(byExecute, rows, copyDone, extended("select 1"), sync) },
    seen,
    {
      send: join(
        join(extended("select 1"), byExecute, sync, rows, copyDone, sync),
        join(extended("select 2"), sync),
        join(query("select 3")),
      ),
      ready: 3,
    },
    seen,
  ],
  "in by Execute, committed by the Sync behind its data only": [
    { send: join(byExecute, sync, rows, copyDone, flush), until: "CommandComplete" },
    { send: join(extended("select 1/0"), sync) },
    { ...seen, rotate: true },
  ],
  "with an error in its data, by Query": [
    { send: query(COPY), until: "CopyInResponse" },
    { send: join(copyData("1\tone\n"), copyData("x\ty\n")) },
    { send: join(copyData("2\ttwo\n"), copyDone), ready: 0 },
    { ...seen, rotate: true },
    { send: join(query(COPY), copyData("x\ty\n"), rows, copyDone, query("select 1")), ready: 2 },
    {
      send: join(query(COPY), rows, rows, copyDone, copyData("late"), query("select 1")),
      ready: 2,
    },
    seen,
  ],
  "with an error in its data, by Execute": [
    { send: join(byExecute, sync), until: "CopyInResponse" },
    { send: copyData("x\ty\n"), until: "ErrorResponse" },
    { send: join(rows, copyDone, sync) },
    { ...seen, rotate: true },
    { send: join(byExecute, sync, copyData("x\ty\n"), rows, copyDone, sync) },
    { send: join(byExecute, sync, copyData("x\ty\n"), copyDone, extended("select 1"), sync) },
    { send: join(byExecute, sync, rows, copyData("1\tagain\n"), copyDone, sync) },
    seen,
  ],
  "with an error that only CopyDone brings": [
    { send: query("copy copied from stdin with (format csv)"), until: "CopyInResponse" },
    { send: copyData('1,"no end'), ready: 0 },
    { send: copyDone },
    { send: query("begin") },
    { send: join(query(COPY), rows, copyDone) },
    { send: join(query(COPY), rows, copyDone) },
    { send: query("rollback") },
    { ...seen, rotate: true },
  ],
  "with CopyFail": [
    { send: query(COPY), until: "CopyInResponse" },
    { send: join(rows, copyFail("changed my mind")) },
    { send: join(byExecute, sync), until: "CopyInResponse" },
    { send: join(rows, copyFail("changed my mind again"), sync) },
    { ...seen, rotate: true },
  ],
  "that fails before it begins, and its data comes all the same": [
    { send: join(query("copy nowhere from stdin"), rows, copyDone) },
    { send: join(query("copy nowhere from stdin"), rows, copyDone, query("select 1")), ready: 2 },
    {
      send: join(
        extended("copy nowhere from stdin"),
        sync,
        rows,
        copyDone,
        sync,
        query("select 1"),
      ),
      ready: 3,
    },
    { send: join(extended("copy nowhere from stdin"), rows, copyDone, sync) },
    { ...seen, rotate: true },
  ],
  "that fails when it has begun, before it reads its data, as into a view": [
    { send: join(query(INTO_VIEW), query("select 1")), ready: 2 },
    { send: join(extended(INTO_VIEW), sync) },
    { send: query("select 2"), rotate: true },
    { send: join(extended(INTO_VIEW), sync), until: "ErrorResponse" },
    { send: join(rows, copyDone, sync), ready: 2 },
    { send: join(extended(INTO_VIEW), sync, rows, copyDone, sync, query("select 3")), ready: 3 },
    { send: query("begin"), rotate: true },
    { send: join(extended(INTO_VIEW), sync, rows, copyDone, sync), ready: 2 },
    { send: query("rollback") },
    seen,
  ],
  "with Syncs in its data": [
    { send: join(byExecute, sync, copyData("1\tone\n"), sync, copyDone, sync) },
    { send: join(byExecute, sync, sync, copyData("x\ty\n"), sync), ready: 1 },
    { send: join(copyDone, sync), rotate: true },
    { ...seen, rotate: true },
  ],
  "that nobody asked for": [
    { send: join(rows, copyDone, copyFail("?"), query("select 1")) },
    { send: query("begin") },
    { send: join(rows, copyDone, query("select 1")) },
    { send: join(extended("select 1"), rows, copyDone, sync) },
    { send: query("rollback") },
    { ...seen, rotate: true },
  ],
  "twice in one Query": [
    {
      send: join(
        query(`${COPY}; ${COPY}; select 'between'`),
        join(copyData("1\tone\n"), copyDone),
        join(copyData("2\ttwo\n"), copyDone),
        query("select 'after'"),
      ),
      ready: 2,
    },
    { send: join(query(`${COPY}; ${COPY}`), rows, copyDone), until: "CopyInResponse" },
    { send: copyFail("no more"), until: "ReadyForQuery" },
    { ...seen, rotate: true },
  ],
  "in in a transaction": [
    { send: query("begin") },
    { send: join(query(COPY), rows, copyDone) },
    { send: join(extended("select count(*) from copied"), sync) },
    { send: query("commit") },
    { ...seen, rotate: true },
  ],
  out: [
    { send: join(query(COPY), rows, copyDone) },
    { send: query("copy copied to stdout"), rotate: true },
    { send: join(extended("copy (select 1) to stdout"), sync), rotate: true },
    { send: query("copy (select 1 / (5 - n) from generate_series(1, 9) n) to stdout") },
    { send: join(extended("copy (select 1/0) to stdout"), extended("select 1"), sync) },
    { send: join(query("copy copied to stdout; select 1"), query("select 2")), ready: 2 },
    seen,
  ],
};

describe("answers COPY as PostgreSQL does:", () => {
  test.each(Object.entries(SCRIPTS))("%s", async (_name, steps) => {
    const { expected, actual } = await bench.compare(steps);
    expect(actual).toEqual([...expected]);
  });

  test.each(Object.entries(SCRIPTS))("%s, byte by byte", async (_name, steps) => {
    const { expected, actual } = await bench.compare(steps, "bytes");
    expect(actual).toEqual([...expected]);
  });
});

test("does not hand on a server whose COPY is done and not committed", async () => {
  await using client = await bench.pooled();
  await client.send(join(byExecute, sync));
  await client.linesUntil("CopyInResponse");
  await client.send(join(rows, copyDone, flush));
  await client.linesUntil("CommandComplete");
  await using second = await bench.pooled();
  await using third = await bench.pooled();
  await second.run(query("begin"));
  // One server is second's. If the client's were free, third would commit the copied rows with its own.
  await third.send(query("select count(*) from copied"));
  await nextTurn();
  client.disappear();
  expect(await third.untilReady()).toContain('DataRow "0"');
  await second.run(query("commit"));
  const copied = await bench.postgres.query("select count(*)::int as n from copied");
  expect(copied).toEqual([{ n: 0 }]);
});

test("refuses what is no COPY message inside a COPY, and serves others on", async () => {
  await using client = await bench.pooled();
  await client.send(query(COPY));
  await client.linesUntil("CopyInResponse");
  await client.send(join(rows, query("select 1")));
  const lines = await client.untilClosed();
  expect(lines[0]).toContain("08P01: unexpected message type 0x51 during COPY from stdin");
  await using other = await bench.pooled();
  expect(await other.run(query("select count(*) from copied"))).toContain('DataRow "0"');
});

test("copies 20 MB in and out", async () => {
  await using client = await bench.pooled();
  const line = `${"x".repeat(999)}\n`;
  await client.run(query("begin; create temporary table wide (a text) on commit drop"));
  await client.send(query("copy wide from stdin"));
  const chunk = copyData(line.repeat(1000));
  for (let count = 0; count < 20; count += 1) void client.send(chunk);
  const done = await client.run(copyDone);
  expect(done).toContain("CommandComplete COPY 20000");
  const out = await client.run(query("copy wide to stdout"));
  expect(out.filter((text) => text.startsWith("CopyData")).length).toBe(20_000);
  await client.run(query("commit"));
});
