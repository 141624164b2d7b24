/**
 * Clients whose network is cut without a FIN: idle, in a transaction, with a query, listening, native.
 * They come from a network namespace of their own.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { PortMode } from "../../../src/net/channel-opening.ts";
import { eventually } from "../../support/eventually.ts";
import { query } from "../../support/frontend-messages.ts";
import { NetworkNamespace, namespacesMissing } from "../../support/network-namespace.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient, type RawTarget } from "../../support/raw-client.ts";
import type { DoomedTargets } from "./doomed-clients.ts";

const DOOMED = join(import.meta.dir, "doomed-clients.ts");
const DOOMED_CLIENTS = 5;
const INTERVAL_MS = 2000;
/** What a busy machine may add to a timer. */
const DELAY_MS = 1000;

const missing = await namespacesMissing();
if (missing !== null) process.stdout.write(`no test of dead clients: ${missing}\n`);

let postgres: TestPostgres;
let network: NetworkNamespace;
let pooler: TestPooler;

describe.skipIf(missing !== null)("clients whose network is cut", () => {
  beforeAll(async () => {
    postgres = await startPostgres();
    network = await NetworkNamespace.create();
    pooler = await startPooler(postgres, {
      env: { LISTEN_ADDRESS: network.host },
      tenant: {
        client_heartbeat_interval: INTERVAL_MS / 1000,
        default_pool_size: 5,
        default_max_clients: DOOMED_CLIENTS + 1,
        allow_list: [`${network.guest}/32`, `${network.host}/32`],
      },
    });
  });

  afterAll(async () => {
    await pooler[Symbol.asyncDispose]();
    await network[Symbol.asyncDispose]();
    await postgres[Symbol.asyncDispose]();
  });

  test("live on when that was for a moment, and are given up within two intervals when not", async () => {
    await using alive = await RawClient.connect(target());
    const child = await doom();
    expect(pooler.pooler.clients).toBe(DOOMED_CLIENTS + 1);

    // No event tells that nothing happens: time passes here. The moment lies where the first are beaten.
    await Bun.sleep(INTERVAL_MS);
    await network.cut();
    await Bun.sleep(INTERVAL_MS / 6);
    await network.mend();
    await Bun.sleep(2 * INTERVAL_MS);
    expect(pooler.pooler.clients).toBe(DOOMED_CLIENTS + 1);
    expect(await locksHeld()).toBe(1);

    await network.cut();
    const cutAtMs = performance.now();
    await eventually(() => expect(pooler.pooler.clients).toBe(1));
    expect(performance.now() - cutAtMs).toBeLessThan(2 * INTERVAL_MS + DELAY_MS);
    // The kernel may have found some of them itself.
    expect(pooler.pooler.counters.clientsLostTotal).toBeGreaterThan(0);
    child.kill("SIGKILL");

    // Their places, their servers and what they held are free, and the other one has noticed nothing.
    await eventually(async () => expect(await locksHeld()).toBe(0));
    expect((await alive.run(query("select 1 as one"))).at(-1)).toContain("ReadyForQuery");
    const others: RawClient[] = [];
    for (let count = 0; count < DOOMED_CLIENTS; count += 1)
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      others.push(await RawClient.connect(target()));
    const answers = await Promise.all(others.map((client) => client.run(query("select 1"))));
    for (const answer of answers) expect(answer.at(-1)).toContain("ReadyForQuery");
    await Promise.all(others.map((client) => client[Symbol.asyncDispose]()));
  }, 40_000);
});

function target(mode: PortMode = "transaction"): RawTarget {
  return { ...pooler.target(mode), host: network.host };
}

async function doom(): Promise<Bun.Subprocess> {
  const targets: DoomedTargets = {
    transaction: target("transaction"),
    session: target("session"),
    native: target("native"),
  };
  const child = network.run(DOOMED, JSON.stringify(targets));
  const { value } = await child.stdout.getReader().read();
  expect(new TextDecoder().decode(value)).toBe("ready\n");
  return child;
}

async function locksHeld(): Promise<unknown> {
  const [row] = await postgres.query(
    "select count(*)::int as n from pg_locks where locktype = 'advisory' and granted",
  );
  return row?.["n"];
}
