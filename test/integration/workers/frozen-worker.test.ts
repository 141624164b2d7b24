/**
 * Workers that live and do nothing. One is stopped while clients of four tenants ask for their own tags: those of the
 * other three go on, and it is ended and started again. A node that stands still as a whole loses nobody.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { eventually } from "../../support/eventually.ts";
import { query } from "../../support/frontend-messages.ts";
import { seededRandom } from "../chaos/seeded-random.ts";
import { Swarm } from "../chaos/swarm.ts";
import { WireClient } from "../chaos/wire-client.ts";
import { SHARED, TaggedNode } from "./tagged-node.ts";
import { WorkerKiller } from "./worker-killer.ts";

const WORKERS = 3;

/** A worker that is merely short of time, on a machine with much else to do, must not be taken for a frozen one. */
const WORKER_TIMEOUT_MS = 3000;
const STILL_MS = 1.5 * WORKER_TIMEOUT_MS;
const CLIENTS_OF_EACH = 10;
const THINK_MS = 25;

/** For a worker's timeout, its end, and the start of the next one, on a machine with much else to do. */
const BACK_MAX_MS = 40_000;

const SILENT = "a worker does not answer, and is ended by SIGKILL";
const ENDED = "a worker has ended, and is started again";

let node: TaggedNode;

beforeAll(async () => {
  const environment = { WORKER_TIMEOUT: `${WORKER_TIMEOUT_MS}ms` };
  node = await TaggedNode.start({ workers: WORKERS, owners: WORKERS, environment });
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
});

/** A client that asks without a pause for as long as it is answered. */
class Asking {
  readonly client: WireClient;
  readonly ended: Promise<void>;
  answers = 0;

  constructor(client: WireClient) {
    this.client = client;
    this.ended = this.#ask();
  }

  async #ask(): Promise<void> {
    while (!this.client.closed) {
      // oxlint-disable-next-line no-await-in-loop -- one query after the other
      await this.client.exchange(query("select 1"), 1).catch(() => null);
      this.answers += 1;
      // oxlint-disable-next-line no-await-in-loop -- the pace
      await Bun.sleep(THINK_MS);
    }
  }
}

/** All owners of the shared tenant have clients: whichever stops, the others' are to be served. */
async function askAtAll(): Promise<readonly Asking[]> {
  const target = node.targetOf(SHARED);
  const clients = Array.from({ length: CLIENTS_OF_EACH }, () => WireClient.connect(target));
  return (await Promise.all(clients)).map((client) => new Asking(client));
}

async function leave(asking: readonly Asking[]): Promise<void> {
  for (const { client } of asking) client.vanish();
  await Promise.all(asking.map(({ ended }) => ended));
}

function linesWith(words: string): number {
  return node.program.out.split(words).length - 1;
}

test("a worker that is stopped is ended and started again, others serve on, and nobody gets a wrong answer", async () => {
  const random = seededRandom(Math.floor(Math.random() * 2 ** 31));
  const killer = new WorkerKiller(node.program.process.pid, random);
  const tenants = Array.from(node.tenants.keys());
  const swarms = tenants.map(
    (tenant) => new Swarm(node.targetOf(tenant), CLIENTS_OF_EACH, random, THINK_MS, killer.excuses),
  );
  const running = Promise.all(swarms.map((swarm) => swarm.run()));
  const asking = await askAtAll();
  const frozen = killer.freezeOne(BACK_MAX_MS);
  const before = asking.map(({ answers }) => answers);
  await frozen;
  const others = asking.filter(({ client }) => !killer.isCondemned(client));
  const gained = asking.map(({ answers }, index) => answers - (before[index] ?? 0));
  expect(others).not.toBeEmpty();
  for (const other of others) expect(gained[asking.indexOf(other)]).toBeGreaterThan(3);
  expect(others.filter(({ client }) => client.closed)).toEqual([]);
  await Promise.all(tenants.map((tenant) => node.untilServes(tenant, BACK_MAX_MS)));
  await leave(asking);
  for (const swarm of swarms) swarm.stop();
  await running;
  expect(swarms.flatMap(({ violations }) => violations)).toEqual([]);
  expect(linesWith(SILENT)).toBe(1);
  expect(node.errorsWithout(SILENT, ENDED)).toEqual([]);
});

test("a supervisor that stood still itself ends nobody, though one of its workers did, too", async () => {
  const { workers, program } = node;
  expect(workers).toHaveLength(WORKERS);
  const ended = linesWith(ENDED);
  const still = [program.process.pid, ...workers.slice(0, 1)];
  const asking = await askAtAll();
  for (const processId of still) process.kill(processId, "SIGSTOP");
  await Bun.sleep(STILL_MS); // as long as that takes, whatever comes meanwhile
  for (const processId of still) process.kill(processId, "SIGCONT");
  const before = asking.map(({ answers }) => answers);
  await Bun.sleep(STILL_MS); // time for what must not come
  await eventually(() => {
    for (const [index, { answers }] of asking.entries())
      expect(answers).toBeGreaterThan(before[index] ?? 0);
  }, BACK_MAX_MS);
  await leave(asking);
  expect(node.workers).toEqual([...workers]);
  expect(linesWith(ENDED)).toBe(ended);
});
