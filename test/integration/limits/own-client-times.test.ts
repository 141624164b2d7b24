/**
 * The time limits of clients as settings, as a tenant's own and as a user's own: each holds for exactly
 * those it is meant for.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Config } from "../../../src/config/settings.ts";
import { copyData, query } from "../../support/frontend-messages.ts";
import { startPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";

const LIMIT_MS = 400;
/** What ticks and a busy machine add. */
const SLACK_MS = 10_000;
/** Of a COPY whose data comes: a machine that stands still for a while must not end it. */
const COPY_LIMIT_MS = 1500;
const PIECE_EVERY_MS = 100;

interface TimeLimit {
  readonly field: string;
  readonly setting: keyof Config;
  readonly sqlstate: string;
  /** What a client does whose time is to come to its end. */
  readonly begin: (client: RawClient) => Promise<unknown>;
}

const LIMITS: readonly TimeLimit[] = [
  {
    field: "client_idle_timeout",
    setting: "clientIdleTimeoutMs",
    sqlstate: "57P05",
    begin: (client) => client.run(query("select 1")),
  },
  {
    field: "idle_transaction_timeout",
    setting: "idleTransactionTimeoutMs",
    sqlstate: "25P03",
    begin: (client) => client.run(query("begin")),
  },
  {
    field: "query_timeout",
    setting: "queryTimeoutMs",
    sqlstate: "57014",
    begin: (client) => client.send(query("select pg_sleep(20)")),
  },
  {
    field: "transaction_timeout",
    setting: "transactionTimeoutMs",
    sqlstate: "25P04",
    begin: (client) => client.run(query("begin")),
  },
];

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

test.concurrent.each(LIMITS.map((limit) => [limit.field, limit] as const))(
  "%s of a user goes before its tenant's, that before the setting, and 0 is never",
  async (field, { setting, sqlstate, begin }) => {
    await using pooler = await startPooler(postgres, { config: { [setting]: 3 * LIMIT_MS } });
    const user = { db_user: "postgres", db_password: postgres.password };
    await pooler.putTenant({ external_id: "tenants", [field]: LIMIT_MS });
    await pooler.putTenant({
      external_id: "users",
      [field]: 100,
      users: [{ ...user, [field]: 2 * LIMIT_MS }],
    });
    await pooler.putTenant({ external_id: "never", [field]: 0 });
    const expected = { tenants: LIMIT_MS, users: 2 * LIMIT_MS, dev: 3 * LIMIT_MS };

    await using free = await RawClient.connect(pooler.target("transaction", "never"));
    await begin(free);
    await Promise.all(
      Object.entries(expected).map(async ([tenant, limitMs]) => {
        await using client = await RawClient.connect(pooler.target("transaction", tenant));
        const sinceMs = performance.now(); // before its time can have begun
        await begin(client);
        const line = (await client.linesUntil("ErrorResponse")).at(-1);
        const afterMs = performance.now() - sinceMs;
        expect(line).toContain(`${sqlstate}:`);
        expect(line).toContain(`${field} is ${limitMs} ms`);
        expect(afterMs).toBeGreaterThan(limitMs - 50);
        expect(afterMs).toBeLessThan(limitMs + SLACK_MS);
      }),
    );
    expect(free.closed).toBe(false);
  },
);

test.concurrent("idle_transaction_timeout ends a COPY whose data stays away, but not one whose data comes", async () => {
  await using pooler = await startPooler(postgres, {
    config: { idleTransactionTimeoutMs: COPY_LIMIT_MS },
  });
  await postgres.query("create table copied (word text)");
  await using client = await RawClient.connect(pooler.target());
  await client.send(query("copy copied from stdin"));
  expect(await client.nextLine()).toStartWith("CopyInResponse");
  for (let sentMs = 0; sentMs < 1.5 * COPY_LIMIT_MS; sentMs += PIECE_EVERY_MS) {
    // oxlint-disable-next-line no-await-in-loop -- one piece after the other
    await Bun.sleep(PIECE_EVERY_MS);
    // oxlint-disable-next-line no-await-in-loop -- as above
    await client.send(copyData("word\n"));
  }
  expect(client.closed).toBe(false);
  expect(await client.nextLine()).toContain("25P03:");
  expect(await postgres.query("select * from copied")).toEqual([]);
});
