/**
 * How many clients may keep a server: exactly so many, and whoever is refused hears it as PostgreSQL would say it,
 * in the order of its replies, with its transaction in the state that PostgreSQL would leave it in.
 */

// oxlint-disable no-await-in-loop -- one thing after the other is the point here

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { bind, execute, join, parse, query, sync } from "../../support/frontend-messages.ts";
import { PinRig, valueOf } from "./pin-rig.ts";

let rig: PinRig;

beforeAll(async () => {
  rig = await PinRig.start({ tenant: { default_pool_size: 3, max_pins: 2 } });
  await rig.pooler.putTenant({ external_id: "none", default_pool_size: 2, max_pins: 0 });
  await rig.pooler.putTenant({ external_id: "single", default_pool_size: 1 });
  await rig.pooler.putTenant({ external_id: "own", default_pool_size: 2 }, { max_pins: 0 });
});

afterAll(async () => {
  expect(rig.pooler.pooler.counters.desyncTotal).toBe(0);
  expect(rig.pooler.lines.filter(({ level }) => level === "error")).toEqual([]);
  await rig[Symbol.asyncDispose]();
});

const LOCK = "select pg_advisory_lock(7)";

describe("a tenant that has no pins", () => {
  test.each([
    "create temp table t (a int)",
    "select 1 as n into temp t",
    "listen news",
    "declare c cursor with hold for select 1",
    LOCK,
    "select 1; create temp view t as select 1",
  ])("hears that %s is not supported, and what would be", async (sql) => {
    await using client = await rig.connect("none");
    const lines = await client.run(query(sql));
    expect(lines.at(-1)).toBe("ReadyForQuery I");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toStartWith("ErrorResponse ERROR: 0A000");
    expect(lines[0]).toContain("max_pins is 0");
    expect(lines[0]).toContain("session port");
    expect(await valueOf(client, "select 5")).toBe("5");
  });

  test.each([
    "begin; create temp table t (a int) on commit drop; commit",
    "begin; declare c cursor for select 1; commit",
    "begin; select pg_advisory_xact_lock(7); commit",
  ])("has what ends with its transaction: %s", async (sql) => {
    await using client = await rig.connect("none");
    const lines = await client.run(query(sql));
    expect(lines.filter((line) => line.startsWith("ErrorResponse"))).toEqual([]);
  });

  test("may be a user alone", async () => {
    await using client = await rig.connect("own");
    expect(await valueOf(client, LOCK)).toContain("0A000");
  });

  test("fails the transaction, as a statement that PostgreSQL refuses does", async () => {
    await using client = await rig.connect("none");
    const lines = await client.run(
      join(query("begin"), query(LOCK), query("select 1"), query("rollback")),
      4,
    );
    expect(lines.filter((line) => !line.startsWith("CommandComplete"))).toEqual([
      "ReadyForQuery T",
      expect.stringContaining("0A000"),
      "ReadyForQuery E",
      expect.stringContaining("25P02"),
      "ReadyForQuery E",
      "ReadyForQuery I",
    ]);
  });

  test("skips the rest of a pipeline up to its Sync", async () => {
    await using client = await rig.connect("none");
    const before = join(parse("", "select 1"), bind(""), execute(""));
    const refused = join(parse("", LOCK), bind(""), execute(""));
    const lines = await client.run(join(before, refused, before, sync, before, sync), 2);
    const errors = lines.flatMap((line, place) => (line.startsWith("ErrorR") ? [place] : []));
    expect(errors).toEqual([4]);
    expect(lines.slice(5).map((line) => line.split(" ", 1)[0])).toEqual([
      "ReadyForQuery",
      "ParseComplete",
      "BindComplete",
      "DataRow",
      "CommandComplete",
      "ReadyForQuery",
    ]);
  });

  test("may prepare such a statement by a name, and is refused where it is bound", async () => {
    await using client = await rig.connect("none");
    expect(await client.run(join(parse("lock", LOCK), sync))).toEqual([
      "ParseComplete",
      "ReadyForQuery I",
    ]);
    const lines = await client.run(join(bind("lock"), execute(""), sync));
    expect(lines).toEqual([expect.stringContaining("0A000"), "ReadyForQuery I"]);
  });

  test("is heard byte by byte as well as at once", async () => {
    await using client = await rig.connect("none");
    const message = join(query(LOCK), parse("", LOCK), bind(""), execute(""), sync);
    const lines = await client.run(message, 2, "bytes");
    expect(lines).toEqual([
      expect.stringContaining("0A000"),
      "ReadyForQuery I",
      expect.stringContaining("0A000"),
      "ReadyForQuery I",
    ]);
  });
});

test("a pool of one server lets its one client keep it, by default", async () => {
  await using client = await rig.connect("single");
  expect(await valueOf(client, "select pg_try_advisory_lock(8)")).toBe("t");
  expect(await valueOf(client, "select pg_advisory_unlock(8)")).toBe("t");
});

test("two of fifty that ask at the same time get a pin, and none of the others starves", async () => {
  await rig.untilRoom();
  const refusedBefore = rig.pooler.pooler.counters.pins.refusedTotal;
  const clients = await Promise.all(Array.from({ length: 50 }, () => rig.connect()));
  try {
    const answers = await Promise.all(
      clients.map((client, index) =>
        valueOf(client, `create temp table mine as select ${index} as n; select n from mine`),
      ),
    );
    const keepers = answers.flatMap((answer, index) => (answer === String(index) ? [index] : []));
    // Who was refused early made way for nobody: exactly as many as may.
    expect(keepers).toHaveLength(2);
    const refusals = answers.filter((answer) => answer.startsWith("ErrorResponse"));
    expect(refusals).toHaveLength(48);
    for (const refusal of refusals) {
      expect(refusal).toContain("53300");
      expect(refusal).toContain("2 clients of this pool do; max_pins is 2");
    }
    expect(rig.pooler.pooler.counters.pins.refusedTotal - refusedBefore).toBe(48);
    // The third server is for all the others, and those who keep one have theirs.
    const later = await Promise.all(clients.map((client) => valueOf(client, "select 'there'")));
    expect(later.every((answer) => answer === "there")).toBeTrue();
    for (const index of keepers)
      expect(await valueOf(clients[index] ?? fail(), "select n from mine")).toBe(String(index));
  } finally {
    await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  }
});

test("a place is free again when its client leaves, in whatever state", async () => {
  for (let round = 0; round < 5; round += 1) {
    const one = await rig.connect();
    const two = await rig.connect();
    expect(await valueOf(one, "create temp table mine (a int); select 'made'")).toBe("made");
    await two.run(query("begin"));
    expect(await valueOf(two, "select pg_try_advisory_lock(7)")).toBe("t");
    await one[Symbol.asyncDispose]();
    await two[Symbol.asyncDispose]();
    await rig.untilLocks(0);
  }
  await using client = await rig.connect();
  expect(await valueOf(client, "select to_regclass('pg_temp.mine')")).toBe("NULL");
});

test("a statement that failed keeps no place", async () => {
  await rig.untilRoom();
  await using client = await rig.connect();
  for (let round = 0; round < 5; round += 1)
    expect(await valueOf(client, "create temp table mine as select 1/0")).toContain("22012");
  await using one = await rig.connect();
  await using two = await rig.connect();
  expect(await valueOf(one, "select pg_try_advisory_lock(10)")).toBe("t");
  expect(await valueOf(two, "select pg_try_advisory_lock(11)")).toBe("t");
  expect(await valueOf(client, "select pg_try_advisory_lock(12)")).toContain("53300");
});

test("what only a DO made is taken away where there is no room, counted, and logged once", async () => {
  const sweptBefore = rig.pooler.pooler.counters.pins.sweptTotal;
  await using client = await rig.connect("none");
  await client.run(query("do $$ begin execute 'create temp ' || 'table mine (a int)'; end $$"));
  expect(await valueOf(client, "select to_regclass('pg_temp.mine')")).toBe("NULL");
  await client.run(query("do $$ begin execute 'create temp ' || 'table mine (a int)'; end $$"));
  expect(await valueOf(client, "select to_regclass('pg_temp.mine')")).toBe("NULL");
  expect(rig.pooler.pooler.counters.pins.sweptTotal - sweptBefore).toBe(2);
  const swept = rig.pooler.lines.filter(({ fields }) => fields["limit"] !== undefined);
  expect(swept.map(({ fields }) => fields)).toEqual([
    { tenant: "none", user: "postgres", mode: "transaction", reasons: "temporary", limit: 0 },
  ]);
});

function fail(): never {
  throw new Error("there is no such client");
}
