/**
 * Clients that go away at every point of the protocol: the next one gets a clean server, nothing that
 * was not committed is, locks are gone, and PostgreSQL never has more connections than the pool has.
 */

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { until } from "../../support/deadline.ts";
import { eventually } from "../../support/eventually.ts";
import {
  bind,
  copyData,
  copyDone,
  execute,
  extended,
  flush,
  join,
  parse,
  query,
  sync,
  terminate,
} from "../../support/frontend-messages.ts";
import { inTurn } from "../../support/in-turn.ts";
import { nextTurn } from "../../support/raw-client.ts";
import { Bench } from "../../support/same-as-postgres.ts";

let bench: Bench;

beforeAll(async () => {
  bench = await Bench.start();
  await bench.postgres.query("create table kept (a int); create table locked (a int)");
});

afterAll(() => bench[Symbol.asyncDispose]());

afterEach(() => {
  expect(bench.takeFaults()).toEqual([]);
});

const insert = "insert into kept values (1)";
const dirt =
  "set search_path to public; set application_name to 'gone'; create temporary table leftover (a int)";
const inTransaction = query(
  `begin; ${dirt}; ${insert}; lock table locked; declare c cursor for select 1`,
);

const FAILED = "ReadyForQuery E";

/** What a client has sent when it goes, and what it has read by then. */
interface Departure {
  readonly sends: readonly Uint8Array[];
  readonly reads?: string;
}

const DEPARTURES: Readonly<Record<string, Departure>> = {
  "in a transaction": { sends: [inTransaction], reads: "ReadyForQuery" },
  "in a failed transaction": {
    sends: [inTransaction, query("select 1/0")],
    reads: FAILED,
  },
  "behind a transaction, at once": { sends: [inTransaction] },
  "with a query running": {
    sends: [join(inTransaction, query("select pg_sleep(600)"))],
    reads: "ReadyForQuery",
  },
  "in a pipeline without its Sync": {
    sends: [join(extended(insert), extended("lock table locked"))],
  },
  "in a pipeline without its Sync, its replies read": {
    sends: [join(extended(insert), flush)],
    reads: "CommandComplete",
  },
  "in a pipeline that failed, without its Sync": {
    sends: [join(extended(insert), extended("select 1/0"), extended(insert), flush)],
    reads: "ErrorResponse",
  },
  "in a long pipeline": {
    sends: [
      join(
        query("begin"),
        ...Array.from({ length: 500 }, () => join(extended(insert), sync)),
        extended(insert),
      ),
    ],
  },
  "inside a COPY by Query": {
    sends: [query(`begin; ${insert}; copy kept from stdin`), copyData("1\n2\n")],
    reads: "CopyInResponse",
  },
  "inside a COPY by Execute": {
    sends: [join(parse("", "copy kept from stdin"), bind(""), execute(), sync, copyData("1\n"))],
    reads: "CopyInResponse",
  },
  "in front of CopyInResponse": { sends: [query("copy kept from stdin")] },
  "in front of CopyInResponse, by Execute without Sync": {
    sends: [join(parse("", "copy kept from stdin"), bind(""), execute())],
  },
  "behind a COPY by Execute, without a Sync": {
    sends: [
      join(
        join(parse("", "copy kept from stdin"), bind(""), execute(), sync),
        join(copyData("1\n"), copyDone),
      ),
    ],
  },
  "inside CopyData": {
    sends: [
      query("copy kept from stdin"),
      join(copyData("1\n"), copyData("2\n".repeat(50_000)).subarray(0, 70_000)),
    ],
    reads: "CopyInResponse",
  },
  "inside COPY out": {
    sends: [query(`begin; ${insert}; copy (select generate_series(1, 1000000)) to stdout`)],
    reads: "CopyData",
  },
  "inside rows": {
    sends: [query(`begin; ${insert}; select generate_series(1, 1000000)`)],
    reads: "DataRow",
  },
  "inside a header": { sends: [join(inTransaction, query("select 1").subarray(0, 3))] },
  "inside a Query": {
    sends: [join(inTransaction, query(`select '${"x".repeat(90_000)}'`).subarray(0, 80_000))],
  },
  "inside a Bind": {
    sends: [
      join(
        parse("", "insert into kept select length($1)"),
        bind("", ["x".repeat(90_000)]).subarray(0, 80_000),
      ),
    ],
  },
  "inside a Parse of a named statement": {
    sends: [
      join(extended(insert), parse("n", `select '${"x".repeat(90_000)}'`).subarray(0, 80_000)),
    ],
  },
  "by Terminate, in a transaction": { sends: [inTransaction, terminate], reads: "ReadyForQuery" },
  "by Terminate, in a pipeline without its Sync": { sends: [join(extended(insert), terminate)] },
  "by Terminate, inside a COPY": {
    sends: [query("copy kept from stdin"), join(copyData("1\n"), terminate)],
    reads: "CopyInResponse",
  },
};

describe("cleans up after a client that goes away", () => {
  test.each(Object.entries(DEPARTURES))("%s", async (_name, departure) => {
    await using watch = await bench.watchServers();
    await inTurn([false, true], async (rudely) => {
      await depart(departure, rudely);
      await depart(departure, rudely);
      await expectClean();
    });
    expect(await watch.most()).toBeLessThanOrEqual(2);
  });
});

test.skipIf(process.platform !== "linux")(
  "cancels a query again that PostgreSQL began only after the cancel",
  async () => {
    const client = await bench.pooled();
    await client.run(inTransaction);
    const pid = await client.serverProcessId();
    process.kill(pid, "SIGSTOP");
    try {
      await client.send(query("select pg_sleep(600)"));
      await nextTurn();
      client.disappear();
      await until("the cancel has come", async () => interruptIsPending(pid));
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await expectClean();
  },
);

describe("carries out what a client sends in front of Terminate", () => {
  test.each([
    ["a Query", query("insert into kept values (2)")],
    ["a pipeline", join(extended("insert into kept values (2)"), sync)],
    ["a Query that takes a while", query("insert into kept select 2 from pg_sleep(0.2)")],
  ])("%s", async (_name, request) => {
    const client = await bench.pooled();
    await client.send(join(request, terminate));
    client.disappear();
    await eventually(async () => {
      expect(await bench.postgres.query("select * from kept")).toEqual([{ a: 2 }]);
    });
    await bench.postgres.query("truncate kept");
    await expectClean();
  });
});

test("tells nobody the end of what another client sent with its Terminate", async () => {
  await using next = await bench.pooled();
  const client = await bench.pooled();
  await client.send(join(query("select 'not yours'"), terminate, query("select 'nobody''s'")));
  expect(await next.run(query("select 'mine'"))).toContain('DataRow "mine"');
  expect(await next.run(query("select 'mine'"))).toEqual([
    "RowDescription ?column?:25",
    'DataRow "mine"',
    "CommandComplete SELECT 1",
    "ReadyForQuery I",
  ]);
  await client[Symbol.asyncDispose]();
});

/** What is read is read behind the first thing that is sent, or behind all if it says how a transaction stands. */
async function depart({ sends, reads }: Departure, rudely: boolean): Promise<void> {
  const client = await bench.pooled();
  try {
    const [first, ...others] = sends;
    if (first !== undefined) await client.send(first);
    if (reads !== undefined) await client.linesUntil(reads === FAILED ? "ReadyForQuery" : reads);
    await inTurn(others, (bytes) => client.send(bytes));
    if (reads === FAILED) await client.linesUntil(FAILED);
    await nextTurn();
  } finally {
    client.disappear(rudely);
  }
}

/** Both servers are clean, and nothing was committed. */
async function expectClean(): Promise<void> {
  await using first = await bench.pooled();
  await using second = await bench.pooled();
  await inTurn([first, second], async (client) => {
    const lines = await client.run(
      query(
        "begin; select current_setting('search_path'), current_setting('application_name')," +
          " to_regclass('pg_temp.leftover'), (select count(*) from kept)," +
          " (select count(*) from pg_cursors), (select count(*) from pg_prepared_statements);" +
          " lock table locked",
      ),
    );
    expect(lines).toContain('DataRow "\\"$user\\", public" | "" | NULL | "0" | "0" | "0"');
    await client.run(query("commit; begin"));
  });
  await inTurn([first, second], async (client) => {
    await client.run(query("commit"));
  });
}

/** SIGINT, which is how PostgreSQL cancels, is the second bit of the pending signals of a process. */
async function interruptIsPending(pid: number): Promise<boolean> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  const pending = /^ShdPnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  return (BigInt(`0x${pending}`) & 2n) !== 0n;
}
