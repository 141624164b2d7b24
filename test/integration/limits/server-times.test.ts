/**
 * How long servers live and rest, and how long a client waits for one: as PostgreSQL counts connections.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Client } from "pg";
import { eventually } from "../../support/eventually.ts";
import { startPooler, type TestPooler, type TestPoolerOptions } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";

const LIMIT_MS = 400;
/** What ticks and a busy machine add. */
const SLACK_MS = 3000;

let postgres: TestPostgres;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

class Rig implements AsyncDisposable {
  readonly pooler: TestPooler;
  readonly #clients: Client[] = [];

  private constructor(pooler: TestPooler) {
    this.pooler = pooler;
  }

  static async start(options: TestPoolerOptions): Promise<Rig> {
    const tenant = { default_pool_size: 1, ...options.tenant };
    return new Rig(await startPooler(postgres, { ...options, tenant }));
  }

  /** A client whose servers bear its `application_name`. */
  async connect(name: string, tenant = "dev"): Promise<Client> {
    const client = new Client({
      ...this.pooler.target("transaction", tenant),
      application_name: name,
    });
    client.on("error", () => {});
    await client.connect();
    this.#clients.push(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.end().catch(() => null)));
    await this.pooler[Symbol.asyncDispose]();
  }
}

async function backend(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  return rows[0]?.pid ?? 0;
}

async function isAlive(pid: number): Promise<boolean> {
  return (await postgres.query("select 1 from pg_stat_activity where pid = $1", [pid])).length > 0;
}

/** Returns after how many milliseconds PostgreSQL has that connection no more. */
async function endOf(pid: number): Promise<number> {
  const sinceMs = performance.now();
  await eventually(async () => expect(await isAlive(pid)).toBe(false));
  return performance.now() - sinceMs;
}

function expectAbout(ms: number, limitMs: number): void {
  expect(ms).toBeGreaterThan(limitMs - 50);
  expect(ms).toBeLessThan(limitMs + SLACK_MS);
}

/** Why `client` got no server, and after how long. */
async function refusal(client: Client): Promise<{ error: unknown; afterMs: number }> {
  const sinceMs = performance.now();
  const error = await rejectionOf(client.query("select 1"));
  return { error, afterMs: performance.now() - sinceMs };
}

describe("server_idle_timeout", () => {
  test.concurrent("closes a server that nobody has used for so long", async () => {
    await using rig = await Rig.start({ config: { serverIdleTimeoutMs: LIMIT_MS } });
    const client = await rig.connect("idle");
    const pid = await backend(client);
    expectAbout(await endOf(pid), LIMIT_MS);
    expect(await backend(client)).not.toBe(pid);
  });

  test.concurrent("counts from the last use, and not inside a transaction", async () => {
    await using rig = await Rig.start({ config: { serverIdleTimeoutMs: LIMIT_MS } });
    const client = await rig.connect("used");
    const pid = await backend(client);
    for (let use = 0; use < 6; use += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one use after the other
      await Bun.sleep(LIMIT_MS / 4);
      // oxlint-disable-next-line no-await-in-loop -- as above
      expect(await backend(client)).toBe(pid);
    }
    await client.query("begin");
    await Bun.sleep(2 * LIMIT_MS);
    expect(await backend(client)).toBe(pid);
    await client.query("commit");
  });

  test.concurrent("is the user's before the tenant's, and no other tenant's", async () => {
    await using rig = await Rig.start({
      tenant: { server_idle_timeout: 100 },
      user: { server_idle_timeout: LIMIT_MS },
    });
    await rig.pooler.putTenant({ external_id: "other" });
    const [own, other] = [await rig.connect("own"), await rig.connect("other", "other")];
    const otherPid = await backend(other);
    expectAbout(await endOf(await backend(own)), LIMIT_MS);
    expect(await isAlive(otherPid)).toBe(true);
  });
});

describe("server_lifetime", () => {
  test.concurrent("ends a server that is older, though it was used all the time", async () => {
    await using rig = await Rig.start({ config: { serverLifetimeMs: 3 * LIMIT_MS } });
    const sinceMs = performance.now();
    const client = await rig.connect("lifetime");
    const pid = await backend(client);
    await eventually(async () => expect(await backend(client)).not.toBe(pid));
    // Less up to a tenth.
    expectAbout(performance.now() - sinceMs, 2.7 * LIMIT_MS - 100);
    expect(await isAlive(pid)).toBe(false);
  });

  test.concurrent("waits for the end of a transaction", async () => {
    await using rig = await Rig.start({ config: { serverLifetimeMs: LIMIT_MS } });
    const client = await rig.connect("transaction");
    await client.query("begin");
    const pid = await backend(client);
    await Bun.sleep(3 * LIMIT_MS);
    expect(await backend(client)).toBe(pid);
    await client.query("commit");
    expect(await backend(client)).not.toBe(pid);
  });

  test.concurrent("is the user's before the tenant's, and no other tenant's", async () => {
    await using rig = await Rig.start({
      tenant: { server_lifetime: 100 },
      user: { server_lifetime: 2 * LIMIT_MS },
    });
    await rig.pooler.putTenant({ external_id: "other" });
    const other = await rig.connect("other", "other");
    const otherPid = await backend(other);
    const sinceMs = performance.now();
    const own = await rig.connect("own");
    const ownPid = await backend(own);
    await eventually(async () => expect(await backend(own)).not.toBe(ownPid));
    expectAbout(performance.now() - sinceMs, 1.8 * LIMIT_MS - 100);
    expect(await backend(other)).toBe(otherPid);
  });
});

describe("pool_checkout_timeout", () => {
  test.concurrent("fails the query of who has waited so long, who goes on", async () => {
    await using rig = await Rig.start({ config: { poolCheckoutTimeoutMs: LIMIT_MS } });
    const [holder, waiter] = [await rig.connect("holder"), await rig.connect("waiter")];
    await holder.query("begin");
    const { error, afterMs } = await refusal(waiter);
    expect(error).toMatchObject({
      severity: "ERROR",
      code: "53300",
      message: `could not obtain a server connection from the pool within ${LIMIT_MS} ms`,
      detail: "Pool size is 1: 1 active, 0 idle, 0 opening, 0 closing; clients waiting: 1.",
      hint: "Keep transactions short, or raise pool_size or pool_checkout_timeout.",
    });
    expectAbout(afterMs, LIMIT_MS);
    await holder.query("commit");
    expect((await waiter.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });

  test.concurrent("lets who gets a server just in time go on", async () => {
    await using rig = await Rig.start({ config: { poolCheckoutTimeoutMs: 4 * LIMIT_MS } });
    const [holder, waiter] = [await rig.connect("holder"), await rig.connect("waiter")];
    await holder.query("begin");
    const waited = waiter.query("select 1 as one");
    await Bun.sleep(LIMIT_MS);
    await holder.query("commit");
    expect((await waited).rows).toEqual([{ one: 1 }]);
  });

  test.concurrent("is the user's before the tenant's, and that before the setting", async () => {
    const user = { db_user: "postgres", db_password: postgres.password };
    await using rig = await Rig.start({ config: { poolCheckoutTimeoutMs: 3 * LIMIT_MS } });
    const common = { default_pool_size: 1, pool_checkout_timeout: LIMIT_MS };
    await rig.pooler.putTenant({ ...common, external_id: "own" });
    await rig.pooler.putTenant({
      ...common,
      external_id: "users",
      users: [{ ...user, pool_checkout_timeout: 2 * LIMIT_MS }],
    });
    const waits = [
      ["own", LIMIT_MS],
      ["users", 2 * LIMIT_MS],
      ["dev", 3 * LIMIT_MS],
    ] as const;
    await Promise.all(
      waits.map(async ([tenant, limitMs]) => {
        const [holder, waiter] = [
          await rig.connect("holder", tenant),
          await rig.connect("waiter", tenant),
        ];
        await holder.query("begin");
        const { error, afterMs } = await refusal(waiter);
        expect(error).toMatchObject({ message: expect.stringContaining(`within ${limitMs} ms`) });
        expectAbout(afterMs, limitMs);
      }),
    );
  });
});
