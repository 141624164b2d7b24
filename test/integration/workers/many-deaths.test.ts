/**
 * Deaths of other kinds than that of one worker at its work: of several at once, of one that is just starting, again
 * and again, of those that a tenant is put at, and of the supervisor.
 */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { eventually } from "../../support/eventually.ts";
import { query } from "../../support/frontend-messages.ts";
import { present } from "../../support/present.ts";
import { isProcessAlive } from "../../support/process-alive.ts";
import { runProgram } from "../../support/running-program.ts";
import { seededRandom } from "../chaos/seeded-random.ts";
import { Swarm } from "../chaos/swarm.ts";
import { WireClient } from "../chaos/wire-client.ts";
import { SHARED, TaggedNode } from "./tagged-node.ts";
import { WorkerKiller } from "./worker-killer.ts";

const WORKERS = 3;
const CLIENTS_OF_EACH = 6;
const THINK_MS = 50;

/** For three starts at once on a machine with much else to do; on one with nothing else it takes a second. */
const BACK_MAX_MS = 60_000;
const TIMEOUT_MS = 4 * BACK_MAX_MS;

/** In a row, each in a start. */
const DEATHS = 5;

const ENDED = "a worker has ended, and is started again";

/** For the API's tokens. */
const environment = { API_JWT_SECRET: randomBytes(32).toString("hex") };

let node: TaggedNode;
let killer: WorkerKiller;

beforeAll(async () => {
  node = await TaggedNode.start({ workers: WORKERS, owners: WORKERS, environment });
  const random = seededRandom(Math.floor(Math.random() * 2 ** 31));
  killer = new WorkerKiller(node.program.process.pid, random);
});
afterAll(async () => {
  await node[Symbol.asyncDispose]();
});

async function untilAllServe(): Promise<void> {
  const tenants = Array.from(node.tenants.keys());
  await Promise.all(tenants.map((tenant) => node.untilServes(tenant, BACK_MAX_MS)));
}

/** Rejects where somebody listens there. */
async function isFree(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  const opened = once(socket, "connect").then(() => true);
  const isOpen = await Promise.race([opened, once(socket, "close").then(() => false)]).catch(
    () => false, // ECONNREFUSED
  );
  socket.destroy();
  if (isOpen) throw new Error(`somebody listens on port ${port}`);
}

test(
  "two workers that die at once, and then all of them: no wrong answer, and no client without a word",
  async () => {
    const random = seededRandom(Math.floor(Math.random() * 2 ** 31));
    const swarms = Array.from(
      node.tenants.keys(),
      (tenant) =>
        new Swarm(node.targetOf(tenant), CLIENTS_OF_EACH, random, THINK_MS, killer.excuses),
    );
    const running = Promise.all(swarms.map((swarm) => swarm.run()));
    await untilAllServe();
    for (const count of [2, 3, 2]) {
      // oxlint-disable-next-line no-await-in-loop -- one disaster after the other
      await killer.killMany(count);
      // oxlint-disable-next-line no-await-in-loop -- one disaster after the other
      await untilAllServe();
      killer.allServe();
    }
    for (const swarm of swarms) swarm.stop();
    await running;
    expect(swarms.flatMap(({ violations }) => violations)).toEqual([]);
    expect(node.errorsWithout(ENDED)).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "a worker that dies in each of its starts is started again all the same, and others serve on",
  async () => {
    await eventually(() => expect(node.workers).toHaveLength(WORKERS), BACK_MAX_MS);
    const [first, ...others] = node.workers;
    const victim = present(first);
    const asking = await Promise.all(
      Array.from({ length: CLIENTS_OF_EACH }, () => WireClient.connect(node.targetOf(SHARED))),
    );
    const before = node.program.out.length;
    const another = (last: number): number =>
      present(node.workers.find((each) => each !== last && !others.includes(each)));
    process.kill(victim, "SIGKILL");
    let next = victim;
    for (let death = 0; death < DEATHS; death += 1) {
      const last = next;
      // oxlint-disable-next-line no-await-in-loop -- one start after the other
      next = await eventually(() => another(last), BACK_MAX_MS);
      process.kill(next, "SIGKILL");
    }
    const living = asking.filter(({ closed }) => !closed);
    for (const client of living) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect((await client.exchange(query("select 'on'"), 1)).values).toEqual(["on"]);
    }
    await untilAllServe();
    expect(node.program.out.slice(before).split(ENDED).length - 1).toBe(1 + DEATHS);
    expect(node.workers).toEqual(expect.arrayContaining(others));
    for (const client of asking) client.vanish();
  },
  TIMEOUT_MS,
);

test(
  "a tenant that is put while all workers die is served by those that follow",
  async () => {
    const { program, postgres } = node;
    const port = Number(/"http":(\d+)/.exec(program.out)?.[1]);
    const token = await runProgram(["token"], node.folder, environment);
    const headers = {
      Authorization: `Bearer ${token.out.trim()}`,
      "Content-Type": "application/json",
    };
    const users = [{ db_user: postgres.superuser, db_password: postgres.password }];
    const where = { db_host: "127.0.0.1", db_port: postgres.port, db_database: "postgres" };
    const body = JSON.stringify({ tenant: { ...where, users } });
    const put = (id: string): Promise<Response> =>
      fetch(`http://127.0.0.1:${port}/api/tenants/${id}`, { method: "PUT", headers, body });
    const killed = killer.killMany(WORKERS);
    const answers = await Promise.all(["late0", "late1", "late2"].map(put));
    await killed;
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    for (const tenant of ["late0", "late1", "late2"]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await node.untilServes(tenant, BACK_MAX_MS, "postgres");
    }
  },
  TIMEOUT_MS,
);

test(
  "workers whose supervisor is killed give up its ports at once, and let a transaction end",
  async () => {
    const { workers, program } = node;
    const client = await WireClient.connect(node.targetOf(SHARED));
    await client.exchange(query("begin"), 1);
    const { port } = node.targetOf(SHARED);
    program.process.kill("SIGKILL");
    await eventually(() => isFree(port), BACK_MAX_MS); // long before the transaction ends
    await using next = await node.startAgain(port);

    expect((await client.exchange(query("select 'still'"), 1)).values).toEqual(["still"]);
    const fresh = await WireClient.connect(node.targetOf(SHARED));
    expect((await fresh.exchange(query("select 'fresh'"), 1)).values).toEqual(["fresh"]);
    fresh.vanish();
    await client.exchange(query("commit"), 1);

    await eventually(() => expect(workers.filter(isProcessAlive)).toEqual([]), BACK_MAX_MS);

    expect(next.out).toContain("carpool is ready");
  },
  TIMEOUT_MS,
);
