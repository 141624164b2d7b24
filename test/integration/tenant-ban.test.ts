/**
 * A tenant that is banned while its clients are there.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import type { PortMode } from "../../src/net/channel-opening.ts";
import { eventually } from "../support/eventually.ts";
import { query } from "../support/frontend-messages.ts";
import { startPooler, type TestPooler } from "../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { RawClient } from "../support/raw-client.ts";

let postgres: TestPostgres;
let pooler: TestPooler;

beforeAll(async () => {
  postgres = await startPostgres();
  pooler = await startPooler(postgres);
});

afterAll(async () => {
  await pooler[Symbol.asyncDispose]();
  await postgres[Symbol.asyncDispose]();
});

async function connect(tenant: string, mode: PortMode, first?: Uint8Array): Promise<RawClient> {
  const client = await RawClient.connect(pooler.target(mode, tenant));
  if (first !== undefined) await client.run(first);
  return client;
}

const BANNED = { banned_at: "2026-01-01T00:00:00Z", ban_reason: "unpaid" };

test("loses its clients at once, whatever they do, and each is told why", async () => {
  await pooler.putTenant({ external_id: "live" });
  await pooler.putTenant({ external_id: "neighbour" });
  await using neighbour = await connect("neighbour", "transaction", query("begin"));
  const busy = await connect("live", "session");
  await busy.send(query("select pg_sleep(300)"));
  const clients = [
    await connect("live", "transaction"),
    await connect("live", "transaction", query("begin; create table half_done ()")),
    await connect("live", "session", query("select 1")),
    await connect("live", "native", query("select 1")),
    busy,
  ];
  await pooler.putTenant({ external_id: "live", ...BANNED });
  for (const lines of await Promise.all(clients.map((client) => client.untilClosed()))) {
    expect(lines.at(-2)).toContain("FATAL: 28000: this tenant is banned: unpaid");
    expect(lines.at(-1)).toBe("closed");
  }
  await eventually(() => expect(pooler.pooler.clients).toBe(1));
  expect((await neighbour.run(query("commit"))).at(-1)).toBe("ReadyForQuery I");
  const [row] = await postgres.query("select to_regclass('half_done') as name");
  expect(row).toEqual({ name: null });
});

test("loses those that only use the native port, too", async () => {
  await pooler.putTenant({ external_id: "native-only" });
  const client = await connect("native-only", "native", query("select 1"));
  await pooler.putTenant({ external_id: "native-only", ...BANNED });
  expect((await client.untilClosed()).at(0)).toContain("this tenant is banned: unpaid");
});

test("keeps its clients where the ban has ended or not begun", async () => {
  await pooler.putTenant({ external_id: "forgiven" });
  await using client = await connect("forgiven", "transaction");
  await pooler.putTenant({
    external_id: "forgiven",
    ...BANNED,
    banned_until: "2026-01-02T00:00:00Z",
  });
  await pooler.putTenant({ external_id: "forgiven", ...BANNED, banned_at: "2999-01-01T00:00:00Z" });
  await pooler.putTenant({ external_id: "forgiven", default_max_clients: 1 });
  await eventually(async () => {
    const refused = await connect("forgiven", "transaction").catch(String);
    expect(refused).toContain("the limit is 1");
  });
  expect((await client.run(query("select 1"))).at(-1)).toBe("ReadyForQuery I");
});

test("takes clients again once its ban is lifted", async () => {
  await pooler.putTenant({ external_id: "lifted" });
  const before = await connect("lifted", "transaction", query("select 1"));
  await pooler.putTenant({ external_id: "lifted", ...BANNED });
  await before.untilClosed();
  await pooler.putTenant({ external_id: "lifted" });
  await eventually(async () => {
    await using after = await connect("lifted", "transaction");
    expect((await after.run(query("select 1"))).at(-1)).toBe("ReadyForQuery I");
  });
});
