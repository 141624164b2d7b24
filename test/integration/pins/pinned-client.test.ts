/**
 * A client that keeps its server: its settings, its statements, notifications, cancels and ends are as on a direct
 * connection.
 */

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { eventually } from "../../support/eventually.ts";
import { bind, execute, flush, join, parse, query, sync } from "../../support/frontend-messages.ts";
import { RawClient } from "../../support/raw-client.ts";
import { sendCancelRequest } from "../../support/send-cancel-request.ts";
import { PinRig, valueOf } from "./pin-rig.ts";

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
