/**
 * A tenant's record is changed while its clients work: they move to another PostgreSQL transaction by
 * transaction, and its pools grow and shrink in place.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { Client } from "pg";
import { eventually } from "../../support/eventually.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";

const CLIENTS = 50;
const POOL_SIZE = 5;

let from: TestPostgres;
let to: TestPostgres;

beforeAll(async () => {
  from = await startPostgres();
  to = await startPostgres();
});
afterAll(async () => {
  await from[Symbol.asyncDispose]();
  await to[Symbol.asyncDispose]();
});

async function connectAll(pooler: TestPooler, count: number): Promise<Client[]> {
  const clients = Array.from({ length: count }, () => new Client(pooler.target()));
  await Promise.all(clients.map((client) => client.connect()));
  return clients;
}

async function backends(postgres: TestPostgres): Promise<number> {
  const rows = await postgres.query(
    "select count(*)::int as n from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
  );
  return Number(rows[0]?.["n"]);
}

test("fifty clients that work all move to another port, without an error and without a transaction torn", async () => {
  await using pooler = await startPooler(from, { tenant: { default_pool_size: POOL_SIZE } });
  const clients = await connectAll(pooler, CLIENTS);
  const stop = new AbortController();
  const lastPorts = new Map<Client, number>();
  const work = async (client: Client): Promise<void> => {
    while (!stop.signal.aborted) {
      const ports: number[] = [];
      for (const sql of ["begin", "select 1", "commit"]) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        await client.query(sql);
        if (sql !== "select 1") continue;
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        const { rows } = await client.query<{ port: string }>(
          "select current_setting('port') as port",
        );
        ports.push(Number(rows[0]?.port));
      }
      lastPorts.set(client, ports[0] ?? 0);
    }
  };
  const working = clients.map((client) => work(client));
  await eventually(() => expect([...lastPorts.values()]).toEqual(Array(CLIENTS).fill(from.port)));
  await pooler.putTenant({ default_pool_size: POOL_SIZE, db_port: to.port });
  await eventually(() => expect([...lastPorts.values()]).toEqual(Array(CLIENTS).fill(to.port)));
  await eventually(async () => expect(await backends(from)).toBe(0));
  expect(await backends(to)).toBe(POOL_SIZE);
  stop.abort();
  await Promise.all(working);
  await Promise.all(clients.map((client) => client.end()));
});

test("a larger pool size lets who waits go on at once, and a smaller one ends servers as they come back", async () => {
  await using pooler = await startPooler(from, { tenant: { default_pool_size: 1 } });
  const clients = await connectAll(pooler, 3);
  const [first, ...others] = clients;
  await first?.query("begin");
  const waiting = others.map((client) => client.query("begin"));
  await pooler.putTenant({ default_pool_size: 3 });
  await Promise.all(waiting);
  expect(await backends(from)).toBe(3);
  await pooler.putTenant({ default_pool_size: 1 });
  expect((await first?.query("select 1 as one"))?.rows).toEqual([{ one: 1 }]);
  // oxlint-disable-next-line no-await-in-loop -- one after the other
  for (const client of others) await client.query("commit");
  await eventually(async () => expect(await backends(from)).toBe(1));
  await first?.query("commit");
  await Promise.all(clients.map((client) => client.end()));
});

test("a record whose servers are the same keeps them", async () => {
  await using pooler = await startPooler(from, { tenant: { default_pool_size: 1 } });
  const [client] = await connectAll(pooler, 1);
  const pid = async (): Promise<number> =>
    Number((await client?.query<{ pid: number }>("select pg_backend_pid() as pid"))?.rows[0]?.pid);
  const before = await pid();
  await pooler.putTenant({ default_pool_size: 1 });
  // When this later change is seen, that one was.
  await pooler.putTenant({ default_pool_size: 2 });
  await eventually(async () =>
    expect((await pooler.pooler.traffic.state("dev")).pools[0]?.size).toBe(2),
  );
  expect(await pid()).toBe(before);
  await client?.end();
});
