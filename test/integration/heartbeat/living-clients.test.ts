/**
 * What clients that live see of heartbeats: a ParameterStatus of what they know while they are idle, and
 * nothing else. Drivers see nothing. Time is told by an idle client that is beaten three times.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Client } from "pg";
import postgresJs from "postgres";
import type { PortMode } from "../../../src/net/channel-opening.ts";
import {
  bind,
  copyData,
  copyDone,
  execute,
  flush,
  join,
  parse,
  query,
  sync,
} from "../../support/frontend-messages.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { psqlPath, runPsql } from "../../support/psql.ts";
import { RawClient } from "../../support/raw-client.ts";

const BEAT = "ParameterStatus integer_datetimes=on";

let postgres: TestPostgres;
let pooler: TestPooler;

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query("create table copied (number int)");
  pooler = await startPooler(postgres, {
    tenant: { client_heartbeat_interval: 1, default_pool_size: 20 },
  });
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

async function threeBeats(): Promise<void> {
  await using client = await RawClient.connect(pooler.target());
  const told = [await client.nextLine(), await client.nextLine(), await client.nextLine()];
  expect(told).toEqual([BEAT, BEAT, BEAT]);
}

/** Logs in and sends; when three beats are over, sends the rest, and returns all that it was told. */
async function toldAround(
  before: Uint8Array,
  rest: Uint8Array,
  mode: PortMode = "transaction",
): Promise<string[]> {
  await using client = await RawClient.connect(pooler.target(mode));
  await client.send(before);
  await threeBeats();
  await client.send(rest);
  return await client.untilReady(); // before it is disposed of
}

describe("a client", () => {
  test.concurrent("that is idle is told what it has been told before, and is served as ever", async () => {
    await using client = await RawClient.connect(pooler.target());
    expect(client.parameters).toContain(BEAT);
    expect(await client.nextLine()).toBe(BEAT);
    expect(await client.run(query("select 1"))).not.toContain(BEAT);
  });

  test.concurrent("that lets a transaction wait is told it too", async () => {
    await using client = await RawClient.connect(pooler.target());
    await client.run(query("begin"));
    expect(await client.nextLine()).toBe(BEAT);
    expect((await client.run(query("commit"))).at(-1)).toBe("ReadyForQuery I");
  });

  test.concurrent("that is in the middle of anything is told nothing", async () => {
    const half = query("select 'half'");
    const segment = join(parse("", "select 7"), bind(""), execute());
    const told = await Promise.all([
      toldAround(half.subarray(0, 9), half.subarray(9)),
      toldAround(join(segment, flush), sync),
      toldAround(join(segment, flush), sync, "session"),
      toldAround(query("copy copied from stdin"), join(copyData("1\n"), copyDone)),
      toldAround(query("select pg_sleep(4)"), new Uint8Array(0)),
      toldAround(query("select 1"), query("select 2"), "native"),
    ]);
    for (const lines of told) {
      expect(lines.at(-1)).toBe("ReadyForQuery I");
      expect(lines).not.toContain(BEAT);
    }
  });

  test.concurrent("that reads nothing for a while is not taken for dead", async () => {
    await using client = await RawClient.connect(pooler.target());
    client.pause();
    await client.send(query("select repeat('x', 1000) from generate_series(1, 30000)"));
    await threeBeats();
    await threeBeats();
    client.resume();
    expect(await client.untilReady()).toContain("CommandComplete SELECT 30000");
    expect(pooler.pooler.counters.clientsLostTotal).toBe(0);
  });
});

describe("a driver notices nothing:", () => {
  test.concurrent("pg, with a prepared statement and a listener", async () => {
    const client = new Client(pooler.target("session"));
    const heard: unknown[] = [];
    client.on("notification", ({ payload }) => heard.push(payload));
    client.on("error", (error) => heard.push(error));
    await client.connect();
    const prepared = { name: "one", text: "select $1::int as number", values: [1] };
    await client.query("listen news");
    expect((await client.query(prepared)).rows).toEqual([{ number: 1 }]);
    await threeBeats();
    expect((await client.query(prepared)).rows).toEqual([{ number: 1 }]);
    await client.query("notify news, 'hello'");
    expect(heard).toEqual(["hello"]);
    await client.end();
  });

  test.concurrent("postgres.js, idle and inside a transaction", async () => {
    const sql = postgresJs(pooler.url(), { max: 2, idle_timeout: 0, onnotice: () => {} });
    expect([...(await sql`select ${1}::int as number`)]).toEqual([{ number: 1 }]);
    await sql.begin(async (transaction) => {
      await transaction`select 1`;
      await threeBeats();
      expect([...(await transaction`select ${2}::int as number`)]).toEqual([{ number: 2 }]);
    });
    expect([...(await sql`select ${1}::int as number`)]).toEqual([{ number: 1 }]);
    await sql.end();
  });

  test.concurrent.if(psqlPath() !== null)("psql, between two commands", async () => {
    const commands = ["-c", "select 1", "-c", "\\! sleep 3", "-c", "select 2"];
    expect(await runPsql(pooler.url(), ...commands)).toEqual({
      exitCode: 0,
      stdout: "1\n2",
      stderr: "",
    });
  });
});
