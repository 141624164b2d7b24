/**
 * The three modes end to end: a client of node-postgres, the pooler, PostgreSQL.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Client } from "pg";
import { startPooler, type TestPooler } from "../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";

let postgres: TestPostgres;
let pooler: TestPooler;

beforeAll(async () => {
  postgres = await startPostgres();
  pooler = await startPooler(postgres);
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
  expect(pooler.pooler.counters.desyncTotal).toBe(0);
});

describe.each(["transaction", "session", "native"] as const)("%s mode", (mode) => {
  test("answers simple, parameterised and named queries", async () => {
    const client = new Client(pooler.target(mode));
    await client.connect();
    try {
      expect((await client.query("select 1 as a")).rows).toEqual([{ a: 1 }]);
      expect((await client.query("select $1::text as b", ["x"])).rows).toEqual([{ b: "x" }]);
      const named = { name: "increment", text: "select $1::int + 1 as c" };
      expect((await client.query({ ...named, values: [1] })).rows).toEqual([{ c: 2 }]);
      expect((await client.query({ ...named, values: [2] })).rows).toEqual([{ c: 3 }]);
    } finally {
      await client.end();
    }
  });

  test("passes an error on, and goes on after it", async () => {
    const client = new Client(pooler.target(mode));
    await client.connect();
    try {
      const error: unknown = await client
        .query("select * from nowhere")
        .catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: "42P01", message: 'relation "nowhere" does not exist' });
      expect((await client.query("select 2 as a")).rows).toEqual([{ a: 2 }]);
    } finally {
      await client.end();
    }
  });

  test("keeps what a client has set for its next transactions", async () => {
    const client = new Client(pooler.target(mode));
    await client.connect();
    try {
      await client.query("set timezone to 'Asia/Tokyo'");
      await client.query("set statement_timeout to '77s'");
      expect((await client.query("show timezone")).rows).toEqual([{ TimeZone: "Asia/Tokyo" }]);
      expect((await client.query("show statement_timeout")).rows).toEqual([
        { statement_timeout: "77s" },
      ]);
    } finally {
      await client.end();
    }
  });
});
