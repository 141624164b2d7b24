/**
 * A process near its memory limit takes no new clients, and goes on with those it has.
 */

import { afterAll, beforeAll, expect } from "bun:test";
import { Client } from "pg";
import { eventually } from "../../support/eventually.ts";
import { parse, query } from "../../support/frontend-messages.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { sendCancelRequest } from "../../support/send-cancel-request.ts";
import { testOneWorker } from "../../support/workers.ts";
import { SpawnedPooler } from "./spawned-pooler.ts";

const LIMIT_MB = 160;
/** Clients that each have the pooler keep the beginning of a statement, up to 1 MB. */
const KEEPERS = 100;

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

testOneWorker(
  "refuses new clients before the memory is used up, serves the others, and recovers",
  "each worker measures itself",
  async () => {
    await using pooler = await SpawnedPooler.start(postgres, {
      environment: { MEMORY_LIMIT: `${LIMIT_MB}MB` },
    });
    const connect = async (): Promise<Client> => {
      const client = new Client(pooler.target());
      client.on("error", () => {});
      await client.connect();
      return client;
    };
    const early = await connect();
    await using runner = await RawClient.connect(pooler.target());
    const keepers = await Promise.all(
      Array.from({ length: KEEPERS }, () => RawClient.connect(pooler.target())),
    );
    const statement = parse("kept", `select '${"x".repeat(1_000_000)}'`);
    await Promise.all(keepers.map((keeper) => keeper.send(statement.subarray(0, -1))));

    const refusal = await eventually(async () => {
      const error = await rejectionOf(connect());
      expect(error).toMatchObject({ code: "53300" });
      return error;
    });
    expect(refusal).toMatchObject({
      severity: "FATAL",
      message: "the connection pooler is short of memory and takes no more clients for now",
      detail: expect.stringMatching(/^It uses [12]\d\d MB; the limit is 160 MB\.$/),
      hint: expect.stringContaining("MEMORY_LIMIT"),
    });
    expect((await early.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await runner.send(query("select pg_sleep(28)"));
    await eventually(async () => {
      const running = await postgres.query(
        "select 1 from pg_stat_activity where query = 'select pg_sleep(28)' and state = 'active'",
      );
      expect(running).toHaveLength(1);
    });
    await sendCancelRequest(pooler.target(), runner.key);
    expect((await runner.untilReady()).join()).toContain("57014");

    for (const keeper of keepers) keeper.disappear();
    const late = await eventually(connect);
    expect((await late.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await Promise.all([early.end(), late.end()]);
    const said = pooler.lines
      .map(({ msg }) => msg)
      .filter((msg) => /^(no longer )?short/.test(msg));
    expect(said).toEqual([
      "short of memory: new clients are refused",
      "no longer short of memory: new clients are taken",
    ]);
  },
);
