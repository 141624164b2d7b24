/**
 * A client that keeps its server: its settings, its statements, notifications, cancels and ends are as on a direct
 * connection.
 */

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { eventually } from "../../support/eventually.ts";
import {
  bind,
  execute,
  flush,
  functionCall,
  join,
  parse,
  query,
  sync,
} from "../../support/frontend-messages.ts";
import { RawClient } from "../../support/raw-client.ts";
import { sendCancelRequest } from "../../support/send-cancel-request.ts";
import { PinRig, valueOf } from "./pin-rig.ts";

/** By their numbers in pg_proc. */
const PG_ADVISORY_LOCK = 2880;
const PG_ADVISORY_UNLOCK = 2884;
const BIGINT_ONE = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1);
const LOCKS =
  "select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()";

let rig: PinRig;

beforeAll(async () => {
  rig = await PinRig.start();
});

afterAll(async () => {
  expect(rig.pooler.pooler.counters.desyncTotal).toBe(0);
  expect(rig.pooler.lines.filter(({ level }) => level === "error")).toEqual([]);
  await rig[Symbol.asyncDispose]();
});

beforeEach(() => rig.untilRoom());

test("hears a notification while it is at rest, and nobody else does", async () => {
  await using client = await rig.connect();
  await using other = await rig.connect();
  await client.run(query("listen news"));
  await other.run(query("notify news, 'first'"));
  expect(await client.nextLine()).toBe("NotificationResponse news first");
  // One that comes while PostgreSQL is asked whether it still listens.
  await client.run(query("listen more; unlisten more"));
  await rig.postgres.query("notify news, 'second'");
  expect(await client.nextLine()).toBe("NotificationResponse news second");
  expect(await other.run(query("select 1"))).toHaveLength(4);
});

test("has its settings on its server, and on any other when it is free again", async () => {
  await using client = await rig.connect();
  await client.run(query("create temp table mine (a int)"));
  await client.run(query("set work_mem = '9MB'; set search_path = pg_temp, public"));
  await client.run(query("set application_name to 'pinned'"));
  expect(await valueOf(client, "show work_mem")).toBe("9MB");
  await client.run(query("drop table mine"));
  const others = await rig.others();
  expect(new Set(others).size).toBe(2);
  expect(await valueOf(client, "show work_mem")).toBe("9MB");
  expect(await valueOf(client, "show application_name")).toBe("pinned");
  await using next = await rig.connect();
  expect(await valueOf(next, "show work_mem")).not.toBe("9MB");
});

test("goes back to what it asked for at its connection, by RESET, and keeps that when it is free", async () => {
  const parameters = [["work_mem", "7MB"]] as const;
  await using client = await RawClient.connect(rig.pooler.target(), { parameters });
  await client.run(query("select pg_advisory_lock(1)"));
  await client.run(query("set work_mem = '9MB'"));
  await client.run(query("select 1; reset work_mem"));
  expect(await valueOf(client, "show work_mem")).toBe("7MB");
  await client.run(query("select pg_advisory_unlock(1)"));
  expect(await valueOf(client, "show work_mem")).toBe("7MB");
});

test("has its unnamed and its named statement, also after PostgreSQL was asked something", async () => {
  await using client = await rig.connect();
  await client.run(join(parse("named", "select 'named'"), parse("", "select 'unnamed'"), sync));
  await client.run(query("select pg_advisory_lock(1)"));
  await client.run(join(parse("", "select 'unnamed'"), sync));
  // A pin that comes makes a question of ours, which drops PostgreSQL's unnamed statement.
  await client.run(join(parse("lock", "select pg_advisory_lock(2)"), sync));
  await client.run(join(parse("", "select 'unnamed'"), sync));
  await client.run(join(parse("temp", "create temp table mine (a int)"), sync));
  await client.run(join(bind("temp"), execute(""), sync));
  const unnamed = await client.run(join(bind(""), execute(""), sync));
  expect(unnamed).toContain('DataRow "unnamed"');
  expect(await client.run(join(bind("named"), execute(""), sync))).toContain('DataRow "named"');
  await client.run(query("discard temp; select pg_advisory_unlock_all()"));
  expect(await client.run(join(bind("named"), execute(""), sync))).toContain('DataRow "named"');
});

test("may be pinned, and freed, by the protocol's FunctionCall", async () => {
  await using client = await rig.connect();
  await client.run(functionCall(PG_ADVISORY_LOCK, [BIGINT_ONE]));
  const kept = await valueOf(client, "select pg_backend_pid()");
  expect(await rig.others()).not.toContain(kept);
  expect(await valueOf(client, LOCKS)).toBe("1");
  await client.run(functionCall(PG_ADVISORY_UNLOCK, [BIGINT_ONE]));
  expect(await rig.others()).toContain(kept);
  expect(await valueOf(client, LOCKS)).toBe("0");
});

test("is pinned, and freed, by what SQL has prepared in an earlier transaction", async () => {
  await using client = await rig.connect();
  await client.run(query("prepare take as select pg_advisory_lock(1)"));
  await client.run(query("prepare give as select pg_advisory_unlock(1)"));
  await rig.others();
  await client.run(query("execute take"));
  const kept = await valueOf(client, "select pg_backend_pid()");
  expect(await rig.others()).not.toContain(kept);
  await client.run(query("execute give"));
  expect(await rig.others()).toContain(kept);
});

test("is asked for in words that mean the same whatever it has made of its session", async () => {
  await rig.postgres.query(`
    create schema evil;
    create table evil.pg_locks (locktype text, pid int);
    create function evil.pg_backend_pid() returns int language sql as 'select 0';
    create function evil.never(text, text) returns bool language sql as 'select false';
    create function evil.never(int, int) returns bool language sql as 'select false';
    create operator evil.= (leftarg = text, rightarg = text, function = evil.never);
    create operator evil.= (leftarg = int, rightarg = int, function = evil.never);
    create role powerless; grant usage on schema evil to powerless`);
  await using client = await rig.connect();
  await client.run(
    query(
      "set search_path = evil, pg_catalog; set default_transaction_read_only = on; set role powerless",
    ),
  );
  const pid = await valueOf(client, "select pg_advisory_lock(1), pg_catalog.pg_backend_pid()");
  expect(await rig.others()).not.toContain(pid);
  expect(await valueOf(client, "select pg_advisory_unlock(1)")).toBe("t");
  expect(await rig.others()).toContain(pid);
});

test("can be cancelled", async () => {
  await using client = await rig.connect();
  await client.run(query("listen news"));
  await client.send(query("select pg_sleep(60)"));
  await eventually(async () => {
    const rows = await rig.postgres.query(
      "select 1 from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'",
    );
    if (rows.length === 0) throw new Error("the query does not run yet");
    await sendCancelRequest(rig.pooler.target(), client.key);
  });
  const lines = await client.untilReady();
  expect(lines.find((line) => line.startsWith("ErrorResponse"))).toContain("57014");
  expect(await valueOf(client, "select count(*) from pg_listening_channels()")).toBe("1");
});

test("ends with PostgreSQL's own words when its server is ended, and its place is free", async () => {
  await using client = await rig.connect();
  await client.run(query("create temp table mine (a int)"));
  const pid = await valueOf(client, "select pg_backend_pid()");
  await rig.postgres.query(`select pg_terminate_backend(${pid})`);
  const lines = await client.untilClosed();
  expect(lines).toEqual([expect.stringContaining("57P01"), "closed"]);
  await using next = await rig.connect();
  expect(await valueOf(next, "select pg_try_advisory_lock(5)")).toBe("t");
});

test("ends when its server is killed without a word, and is told what was lost", async () => {
  await using rigOfItsOwn = await PinRig.start();
  await using client = await rigOfItsOwn.connect();
  await client.run(query("select pg_advisory_lock(1)"));
  const pid = await valueOf(client, "select pg_backend_pid()");
  process.kill(Number(pid), "SIGKILL");
  const lines = await client.untilClosed();
  expect(lines[0]).toContain("FATAL: 08006");
  expect(lines[0]).toContain("advisory locks of the session");
});

test("keeps its server while a portal is open across Flush, with no pin", async () => {
  const totals = { ...rig.pooler.pooler.counters.pins.byReasonTotal };
  await using client = await rig.connect();
  await client.send(
    join(parse("", "select generate_series(1, 9)"), bind("", [], "p"), execute("p", 2), flush),
  );
  await client.linesUntil("PortalSuspended");
  await rig.others();
  expect(await client.run(join(execute("p", 1), sync))).toContain('DataRow "3"');
  expect(rig.pooler.pooler.counters.pins.byReasonTotal).toEqual(totals);
});

test("is in the list of its pool, by each of its reasons, while it is pinned", async () => {
  await eventually(() => expect(rig.pooler.pooler.listPins()).toEqual([]));
  await using client = await rig.connect();
  await client.run(query("listen news"));
  await client.run(query("create temp table mine (a int)"));
  await client.run(query("select 1"));
  expect(rig.pooler.pooler.listPins()).toEqual([
    {
      tenant: "dev",
      user: rig.postgres.superuser,
      database: "postgres",
      mode: "transaction",
      limit: 1,
      taken: 1,
      byReason: { temporary: 1, advisory_lock: 0, holdable_cursor: 0, listen: 1 },
      clients: [{ processId: client.key.processId, reasons: ["listen", "temporary"] }],
    },
  ]);
  await client.run(query("discard all"));
  await client.run(query("select 1"));
  expect(rig.pooler.pooler.listPins()).toEqual([]);
});

test("is counted by each of its reasons", async () => {
  const totals = { ...rig.pooler.pooler.counters.pins.byReasonTotal };
  await using client = await rig.connect();
  await client.run(query("create temp table mine (a int)"));
  await client.run(query("listen news"));
  await client.run(query("drop table mine"));
  await client.run(query("create temp table mine (a int)"));
  // PostgreSQL is asked behind the answer, and before the next query.
  await client.run(query("select 1"));
  const now = rig.pooler.pooler.counters.pins.byReasonTotal;
  expect(now.temporary - totals.temporary).toBe(2);
  expect(now.listen - totals.listen).toBe(1);
  expect(now.holdable_cursor - totals.holdable_cursor).toBe(0);
});
