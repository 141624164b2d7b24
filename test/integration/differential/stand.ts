/**
 * The test stand: one PostgreSQL with two equal databases, one of them behind a pooler. A script runs on
 * both at the same time, on the pooler's side among a {@link Crowd}; what its clients read must not differ.
 */

// oxlint-disable no-await-in-loop -- one thing after the other is the point here

import * as frontend from "../../support/frontend-messages.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { type Cuts, RawClient, type RawTarget } from "../../support/raw-client.ts";
import { seededRandom } from "../chaos/seeded-random.ts";
import { Crowd } from "./crowd.ts";
import { play, type Replies, type Surroundings } from "./player.ts";
import { type Script, sourceOf } from "./script.ts";

const DIRECT = "direct";
const POOLED = "pooled";

/** Longer messages are cut in a few pieces only. */
const CUTS_MAX = 4;

export class Stand implements AsyncDisposable {
  readonly #postgres: TestPostgres;
  readonly #pooler: TestPooler;
  readonly #crowd: Crowd;
  /** One for each database. */
  readonly #sweepers: readonly RawClient[];
  readonly #random: () => number;
  #desyncsSeen = 0;
  #errorsSeen = 0;

  private constructor(
    postgres: TestPostgres,
    pooler: TestPooler,
    crowd: Crowd,
    sweepers: readonly RawClient[],
    seed: number,
  ) {
    this.#postgres = postgres;
    this.#pooler = pooler;
    this.#crowd = crowd;
    this.#sweepers = sweepers;
    this.#random = seededRandom(seed);
  }

  /** @param seed decides where bytes are cut */
  static async start(poolSize: 2 | 3, seed: number): Promise<Stand> {
    const postgres = await startPostgres();
    await postgres.query("create role crowd; create role lowly");
    for (const database of [DIRECT, POOLED]) await postgres.query(`create database ${database}`);
    const pooler = await startPooler(postgres, {
      tenant: { db_database: POOLED, default_pool_size: poolSize },
    });
    const sweepers: RawClient[] = [];
    for (const database of [DIRECT, POOLED])
      sweepers.push(await RawClient.connect(directTarget(postgres, database)));
    const target = pooledTarget(pooler);
    const crowd = await Crowd.start(target, poolSize, directTarget(postgres, "postgres"));
    return new Stand(postgres, pooler, crowd, sweepers, seed);
  }

  /** Returns "" if both sides were alike; else the script as code, and the first step that was not. */
  async differenceOf(script: Script): Promise<string> {
    await this.#sweep();
    const cuts: Cuts[] = [];
    const [expected, actual] = await Promise.allSettled([
      play(directTarget(this.#postgres, DIRECT), script, ALONE),
      play(pooledTarget(this.#pooler), script, this.#surroundings(cuts)),
    ]);
    const faults = this.#takeFaults();
    await this.#crowd.rest();
    if (expected.status === "rejected") throw expected.reason;
    const difference =
      actual.status === "rejected"
        ? String(actual.reason)
        : firstDifference(expected.value, actual.value);
    if (difference === "" && faults.length === 0) return "";
    return [sourceOf(script), `cuts: ${JSON.stringify(cuts)}`, difference, ...faults].join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#crowd[Symbol.asyncDispose]();
    for (const sweeper of this.#sweepers) await sweeper[Symbol.asyncDispose]();
    await this.#pooler[Symbol.asyncDispose]();
    await this.#postgres[Symbol.asyncDispose]();
  }

  /** Takes away what the last script has left in the databases. */
  async #sweep(): Promise<void> {
    await Promise.all(
      this.#sweepers.map(async (sweeper) => {
        const lines = await sweeper.run(frontend.query(LEFT_BEHIND));
        if (!lines.includes('DataRow "0"')) await sweeper.run(frontend.query(SWEEP));
      }),
    );
  }

  #surroundings(log: Cuts[]): Surroundings {
    return {
      betweenTransactions: () => this.#crowd.rotate(),
      insideTransaction: () => this.#crowd.rest(),
      cuts: (bytes) => {
        const cuts = this.#cuts(bytes.length);
        log.push(cuts);
        return cuts;
      },
    };
  }

  /** Half of all messages whole, the others in pieces. */
  #cuts(length: number): Cuts {
    if (this.#random() < 0.5) return "whole";
    const count = 1 + Math.floor(this.#random() * CUTS_MAX);
    const at = Array.from({ length: count }, () => 1 + Math.floor(this.#random() * length));
    return at.toSorted((one, other) => one - other);
  }

  /** Servers out of step, and lines at level error, since the last call. */
  #takeFaults(): readonly string[] {
    const { desyncTotal } = this.#pooler.pooler.counters;
    const errors = this.#pooler.lines.filter(({ level }) => level === "error");
    const fresh = errors.slice(this.#errorsSeen);
    const faults = fresh.map(({ fields, message }) => `${message} ${JSON.stringify(fields)}`);
    if (desyncTotal > this.#desyncsSeen) faults.push("a server was out of step");
    this.#desyncsSeen = desyncTotal;
    this.#errorsSeen = errors.length;
    return faults;
  }
}

const ALONE: Surroundings = {
  betweenTransactions: async () => {},
  insideTransaction: async () => {},
  cuts: () => "whole",
};

const LEFT_BEHIND =
  "select (select count(*) from pg_class where relnamespace = 'public'::regnamespace) + " +
  "(select count(*) from pg_proc where pronamespace = 'public'::regnamespace) + " +
  "(select count(*) from pg_type where typnamespace = 'public'::regnamespace) + " +
  "(select count(*) from pg_namespace where nspname !~ '^pg_' and nspname not in ('public', 'information_schema'))";

const SWEEP = `
  do $$ declare name text; begin
    for name in select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' loop
      execute format('drop schema %I cascade', name);
    end loop;
  end $$;
  create schema public; grant all on schema public to public`;

function directTarget({ port, superuser, password }: TestPostgres, database: string): RawTarget {
  return { host: "127.0.0.1", port, user: superuser, password, database };
}

function pooledTarget(pooler: TestPooler): RawTarget {
  return { ...pooler.target(), database: POOLED };
}

function firstDifference(expected: Replies, actual: Replies): string {
  for (let step = 0; step < Math.max(expected.length, actual.length); step += 1) {
    const wanted = expected[step] ?? ["nothing"];
    const got = actual[step] ?? ["nothing"];
    if (Bun.deepEquals(wanted, got)) continue;
    return [`reply ${step}`, ...unalike(wanted, got)].join("\n");
  }
  return "";
}

/** The lines of both sides, those that are equal once. */
function unalike(wanted: readonly string[], got: readonly string[]): string[] {
  const lines: string[] = [];
  for (let index = 0; index < Math.max(wanted.length, got.length); index += 1) {
    const [one, other] = [wanted[index], got[index]];
    if (one === other) lines.push(`           ${one ?? ""}`);
    else {
      if (one !== undefined) lines.push(`PostgreSQL ${one}`);
      if (other !== undefined) lines.push(`Carpool    ${other}`);
    }
  }
  return lines;
}
