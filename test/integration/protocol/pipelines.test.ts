/**
 * Pipelines in transaction mode, against PostgreSQL itself: the same replies however the bytes are cut.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import {
  bind,
  closePortal,
  closeStatement,
  describePortal,
  describeStatement,
  execute,
  extended,
  flush,
  functionCall,
  int32,
  join,
  parse,
  query,
  sync,
} from "../../support/frontend-messages.ts";
import { inTurn } from "../../support/in-turn.ts";
import { RawClient } from "../../support/raw-client.ts";
import { Bench, type Step } from "../../support/same-as-postgres.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start();
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

const failing = extended("select 1/0");
const series = extended("select generate_series(1, 5) as n");

const PIPELINES: Readonly<Record<string, Step>> = {
  "with one Sync": {
    send: join(
      extended("select 1"),
      extended("select $1::text", ["two"]),
      extended("select 3 where false"),
      extended(""),
      extended("select null::int"),
      sync,
    ),
  },
  "with many Syncs": {
    send: join(
      join(extended("begin"), sync),
      join(extended("select 'in it'"), sync),
      join(extended("commit"), sync),
      join(parse("one", "select 1"), sync, sync),
      join(bind("one"), execute(), sync),
      join(closeStatement("one"), sync),
    ),
    ready: 7,
  },
  "of Query and extended messages": {
    send: join(
      query("select 1; select 2"),
      extended("select 3"),
      query("select 4"),
      extended("select 5"),
      sync,
      query(""),
      query(";"),
      query("begin; select 6"),
      extended("commit"),
      sync,
      query("select 7"),
    ),
    ready: 8,
  },
  "with errors and several Syncs behind them": {
    send: join(
      join(extended("select 1"), failing, extended("select 'skipped'"), sync),
      join(failing, query("select 'skipped'"), sync),
      join(query("select 1/0; select 'skipped'")),
      join(extended("begin"), failing, closeStatement("x"), describeStatement("x"), flush, sync),
      join(extended("select 'refused'"), sync, sync),
      join(extended("rollback"), sync),
      join(extended("select 'fine'"), sync),
    ),
    ready: 8,
  },
  "with a failing commit": {
    send: join(
      query(
        "create table deferred (a int unique deferrable initially deferred); insert into deferred values (1)",
      ),
      query("insert into deferred values (1)"),
      join(extended("insert into deferred values (1)"), sync),
      query("begin; insert into deferred values (1)"),
      join(extended("commit"), sync),
      query("drop table deferred"),
    ),
    ready: 6,
  },
  "with portals of few rows at a time": {
    send: join(
      query("begin"),
      parse("", "select generate_series(1, 5) as n"),
      bind("", [], "some"),
      bind("", [], "others"),
      execute("some", 2),
      execute("others", 3),
      execute("some", 2),
      execute("some", 2),
      execute("some", 2),
      sync,
      execute("others", 1),
      describePortal("others"),
      closePortal("others"),
      execute("others", 1),
      sync,
      query("rollback"),
    ),
    ready: 4,
  },
  "with a portal that ends with its transaction": {
    send: join(
      join(parse("", "select 1"), bind("", [], "p"), execute("p"), sync),
      join(execute("p"), sync),
    ),
    ready: 2,
  },
  "with a suspended portal outside of a transaction": {
    send: join(series.subarray(0, series.length - 10), execute("", 2), sync, execute("", 2), sync),
    ready: 2,
  },
  "with notices and parameters": {
    send: join(
      query("do $$ begin raise notice 'one'; raise warning 'two'; end $$"),
      query("begin; set local timezone to 'Europe/Paris'; set local application_name to 'mine'"),
      join(extended("select current_setting('timezone')"), sync),
      query("rollback"),
      query("commit"),
    ),
    ready: 5,
  },
  "with Describe of everything": {
    send: join(
      parse("one", "select $1::int as a, $2::text as b"),
      describeStatement("one"),
      bind("one", ["1", "x"], "p"),
      describePortal("p"),
      execute("p"),
      parse("two", "create temporary table nothing ()"),
      describeStatement("two"),
      closeStatement("one"),
      closeStatement("two"),
      sync,
    ),
  },
  "with FunctionCall": {
    send: join(
      // int4pl, int4div by zero, one that does not exist
      functionCall(177, [int32(20), int32(22)]),
      functionCall(154, [int32(1), int32(0)]),
      functionCall(1, []),
      query("begin"),
      functionCall(177, [int32(1), int32(2)]),
      query("commit"),
    ),
    ready: 6,
  },
};

describe("answers a pipeline as PostgreSQL does:", () => {
  test.each(Object.entries(PIPELINES))("%s, whole and byte by byte", async (_name, step) => {
    await inTurn(["whole", "bytes"] as const, async (cuts) => {
      const { expected, actual } = await bench.compare([step, { ...step, rotate: true }], cuts);
      expect(actual).toEqual([...expected]);
    });
  });

  test.each(Object.entries(PIPELINES))("%s, at random cuts", async (_name, step) => {
    const random = cutter(20_261_122);
    await inTurn([1, 2, 3, 4, 5], async () => {
      const cuts = random(step.send.length);
      const { expected, actual } = await bench.compare([step], cuts);
      expect({ cuts, actual }).toEqual({ cuts, actual: [...expected] });
    });
  });
});

test("answers all pipelines as one", async () => {
  const steps = Object.values(PIPELINES);
  const whole: Step = {
    send: join(...steps.map(({ send }) => send)),
    ready: steps.reduce((sum, { ready = 1 }) => sum + ready, 0),
  };
  const { expected, actual } = await bench.compare([whole, { ...whole, rotate: true }]);
  expect(actual).toEqual([...expected]);
});

describe("a Flush", () => {
  test("brings the replies, and keeps the server until Sync", async () => {
    const { expected, actual } = await bench.compare([
      { send: join(parse("one", "select 1"), flush), until: "ParseComplete" },
      { send: join(describeStatement("one"), flush), until: "RowDescription" },
      { send: join(bind("one"), execute(), flush), until: "CommandComplete" },
      { send: join(closeStatement("one"), flush), until: "CloseComplete" },
      { send: join(bind("one"), flush), until: "ErrorResponse" },
      { send: sync },
      { send: flush, ready: 0 },
    ]);
    expect(actual).toEqual([...expected]);
  });

  test("keeps what is not committed from others, until the Sync", async () => {
    await bench.postgres.query("create table flushed (a int)");
    await using client = await bench.pooled();
    const insert = join(parse("", "insert into flushed values (1)"), bind(""), execute());
    await client.send(join(insert, flush));
    await client.linesUntil("CommandComplete");
    await using other = await bench.pooled();
    const count = query("select count(*) from flushed");
    expect(await other.run(count)).toContain('DataRow "0"');
    await client.run(sync);
    expect(await other.run(count)).toContain('DataRow "1"');
  });
});

test("gives a server back between two transactions of one pipeline's client", async () => {
  await using first = await bench.pooled();
  await using second = await bench.pooled();
  await using third = await bench.pooled();
  await first.run(query("begin"));
  await second.run(query("begin"));
  // Both servers are taken: this one waits, and gets one as soon as a transaction ends.
  await third.send(join(query("select 'third'"), query("select 'again'")));
  await first.run(query("commit"));
  expect(await third.untilReady(2)).toContain('DataRow "again"');
  await second.run(query("commit"));
});

test("leaves no server behind that a Query in the middle of a pipeline has broken", async () => {
  await using other = await bench.pooled();
  await other.run(query("begin"));
  await using client = await bench.pooled();
  await client.send(join(extended("select 'begun'"), flush));
  await client.linesUntil("CommandComplete");
  // PostgreSQL 18 says that it is idle, and fails at the next command: "unexpected state STARTED".
  await client.run(join(query("select 'between'"), sync), 2);
  await using next = await bench.pooled();
  expect(await next.run(join(extended("select 'mine'"), sync))).toContain('DataRow "mine"');
  await other.run(query("commit"));
});

test("keeps what SQL has prepared where a Query in the middle of a pipeline has broken its server", async () => {
  const prepares = join(
    extended("prepare kept (int) as select $1 / 1"),
    query("explain (costs off) execute known"),
    // The unnamed statement went with the Query: from here on PostgreSQL 18 skips, and then refuses one command.
    bind(""),
    execute(),
    sync,
  );
  const { expected, actual } = await bench.compare([
    { send: query("prepare known as select 1 as x"), until: "ReadyForQuery", rotate: true },
    { send: join(prepares, query("rollback")), until: "CommandComplete ROLLBACK", rotate: true },
    { send: query("execute kept(2)"), until: "ReadyForQuery", rotate: true },
  ]);
  expect(actual).toEqual([...expected]);
  expect(actual.flat()).toContain('DataRow "2"');
});

test("answers what came with the password once it has let the client in", async () => {
  const early = join(sync, closeStatement("x"), query("select 'early'"), sync);
  const fresh = [["search_path", "pg_catalog"]] as const;
  await inTurn([[], fresh], async (parameters) => {
    await using client = await RawClient.connect(bench.pooler.target(), { early, parameters });
    expect(client.key.secretKey).toHaveLength(4);
    expect(await client.untilReady(3)).toEqual([
      "ReadyForQuery I",
      "CloseComplete",
      "RowDescription ?column?:25",
      'DataRow "early"',
      "CommandComplete SELECT 1",
      "ReadyForQuery I",
      "ReadyForQuery I",
    ]);
  });
});

test("uses large objects by FunctionCall, over transactions that rotate", async () => {
  await using client = await bench.pooled();
  await client.run(query("begin"));
  // lo_creat (957), lo_open (952), lowrite (955), lo_close (953), lo_unlink (964); INV_READ | INV_WRITE
  const created = await client.replyTo(functionCall(957, [int32(0x60000)]));
  const oid = created.subarray(9, 13);
  const opened = await client.replyTo(functionCall(952, [oid, int32(0x20000)]));
  const descriptor = opened.subarray(9, 13);
  const written = await client.replyTo(functionCall(955, [descriptor, Buffer.from("large")]));
  expect([...written.subarray(9, 13)]).toEqual([0, 0, 0, 5]);
  await client.run(functionCall(953, [descriptor]));
  await client.run(query("commit"));
  const id = new DataView(oid.buffer, oid.byteOffset).getUint32(0);
  expect(await client.run(query(`select convert_from(lo_get(${id}), 'UTF8')`))).toContain(
    'DataRow "large"',
  );
  expect((await client.run(functionCall(964, [oid])))[0]).toStartWith("FunctionCallResponse");
});

/** Returns a source of cuts that is the same in every run. */
function cutter(seed: number): (length: number) => readonly number[] {
  let state = seed;
  const next = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return Math.floor((state / 0x8000_0000) * below);
  };
  return (length) =>
    Array.from({ length: 1 + next(20) }, () => 1 + next(length - 1)).toSorted((a, b) => a - b);
}
