/**
 * Whose answer is it? Two hundred clients share five servers, and everything goes wrong around them.
 */

import { expect, test } from "bun:test";
import { startPooler } from "../../support/pooler.ts";
import { startPostgres } from "../../support/postgres.ts";
import { Chaos } from "./chaos.ts";
import { seededRandom } from "./seeded-random.ts";
import { Swarm } from "./swarm.ts";

const CLIENTS = 200;
const POOL_SIZE = 5;
const QUERIES = 200_000;
const TIMEOUT_MS = 300_000;

/** How often it is looked whether there were enough queries. */
const POLL_MS = 50;

const PACE = { vanishMs: 25, cancelMs: 1, guessKeyMs: 50, terminateMs: 400 };

test(
  `gives ${QUERIES} answers to those who asked, while others vanish, are cancelled and lose servers`,
  async () => {
    const seed = Math.floor(Math.random() * 2 ** 31);
    await using postgres = await startPostgres();
    await using pooler = await startPooler(postgres, {
      tenant: { default_pool_size: POOL_SIZE, default_max_clients: 2 * CLIENTS },
    });
    const target = pooler.target();
    const swarm = new Swarm(target, CLIENTS, seededRandom(seed));
    const chaos = new Chaos(swarm, target, postgres, seededRandom(seed + 1));
    const running = Promise.all([swarm.run(), chaos.run(PACE)]);
    // oxlint-disable-next-line no-await-in-loop -- a poll
    while (swarm.counts.queries < QUERIES && !swarm.stopping) await Bun.sleep(POLL_MS);
    swarm.stop();
    chaos.stop();
    await running;

    const { counters } = pooler.pooler;
    const { counts } = swarm;
    process.stdout.write(`seed ${seed}: ${JSON.stringify([counts, chaosCounts(chaos)])}\n`);
    expect(swarm.violations).toEqual([]);
    expect(counters.desyncTotal).toBe(0);
    expect(counters.internalErrorsTotal).toBe(0);
    expect(chaos.backendsMax).toBe(POOL_SIZE);
    expect(counts.queries).toBeGreaterThanOrEqual(QUERIES);
    // Else the run has shown less than it says.
    expect(counts.cancelled).toBeGreaterThan(0);
    expect(counts.vanished).toBeGreaterThan(0);
    expect(chaos.guessed).toBeGreaterThan(0);
    // Nobody loses a server but those whose servers were terminated.
    expect(counts.serversLost).toBeGreaterThan(0);
    expect(counts.serversLost).toBeLessThanOrEqual(chaos.terminated);
  },
  TIMEOUT_MS,
);

function chaosCounts({ terminated, guessed, backendsMax }: Chaos) {
  return { terminated, guessed, backendsMax };
}
