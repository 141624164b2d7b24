/**
 * What goes wrong while a {@link Swarm} asks: clients vanish and are cancelled, servers are terminated,
 * keys are guessed. Counts the backends meanwhile.
 */

import { randomBytes } from "node:crypto";
import { Client } from "pg";
import type { TestPostgres } from "../../support/postgres.ts";
import { sendCancelRequest } from "../../support/send-cancel-request.ts";
import type { Swarm } from "./swarm.ts";
import type { WireTarget } from "./wire-client.ts";

/** Pauses between two of a kind, in milliseconds. */
export interface ChaosPace {
  readonly vanishMs: number;
  readonly cancelMs: number;
  readonly guessKeyMs: number;
  readonly terminateMs: number;
}

/** Backends of clients, but for the one that asks. */
const COUNT_BACKENDS =
  "select count(*)::int as backends from pg_stat_activity " +
  "where backend_type = 'client backend' and pid <> pg_backend_pid()";

const TERMINATE_ONE =
  "select pg_terminate_backend(pid) as terminated from pg_stat_activity " +
  "where backend_type = 'client backend' and pid <> pg_backend_pid() order by random() limit 1";

const COUNT_EVERY_MS = 50;

const GUESSED_KEY_BYTES = 4;

export class Chaos {
  /** The most backends that were seen at a time. */
  backendsMax = 0;
  terminated = 0;
  guessed = 0;
  readonly #swarm: Swarm;
  readonly #target: WireTarget;
  readonly #postgres: TestPostgres;
  readonly #random: () => number;
  #over = false;

  constructor(swarm: Swarm, target: WireTarget, postgres: TestPostgres, random: () => number) {
    this.#swarm = swarm;
    this.#target = target;
    this.#postgres = postgres;
    this.#random = random;
  }

  /** Goes on until {@link stop}. */
  async run(pace: ChaosPace): Promise<void> {
    const control = new Client(this.#postgres.connectionString());
    await control.connect();
    try {
      await Promise.all([
        this.#every(pace.vanishMs, () => this.#swarm.pick(this.#random).vanish()),
        this.#every(pace.cancelMs, () => this.#swarm.pick(this.#random).cancel()),
        this.#every(pace.guessKeyMs, () => this.#guessKey()),
        this.#every(pace.terminateMs, () => this.#terminate(control)),
        this.#every(COUNT_EVERY_MS, () => this.#count(control)),
      ]);
    } finally {
      await control.end();
    }
  }

  stop(): void {
    this.#over = true;
  }

  async #every(pauseMs: number, act: () => void | Promise<void>): Promise<void> {
    while (!this.#over) {
      // oxlint-disable-next-line no-await-in-loop -- the pace
      await Bun.sleep(pauseMs * (0.5 + this.#random()));
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await act();
    }
  }

  /** The key of some client, but for its secret. */
  async #guessKey(): Promise<void> {
    const processId = this.#swarm.pick(this.#random).processId;
    if (processId === null) return;
    this.guessed += 1;
    await sendCancelRequest(this.#target, { processId, secretKey: randomBytes(GUESSED_KEY_BYTES) });
  }

  async #terminate(control: Client): Promise<void> {
    const { rows } = await control.query<{ terminated: boolean }>(TERMINATE_ONE);
    this.terminated += rows.filter(({ terminated }) => terminated).length;
  }

  async #count(control: Client): Promise<void> {
    const { rows } = await control.query<{ backends: number }>(COUNT_BACKENDS);
    this.backendsMax = Math.max(this.backendsMax, rows[0]?.backends ?? 0);
  }
}
