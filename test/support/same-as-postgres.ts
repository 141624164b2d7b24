/**
 * The same script on PostgreSQL itself and through the pooler: what a client reads must not differ.
 */

// oxlint-disable no-await-in-loop -- one thing after the other is the point here

import { Churn } from "./churn.ts";
import { eventually } from "./eventually.ts";
import { query } from "./frontend-messages.ts";
import { startPooler, type TestPooler, type TestPoolerOptions } from "./pooler.ts";
import { startPostgres, type TestPostgres } from "./postgres.ts";
import { type Cuts, RawClient, type RawTarget } from "./raw-client.ts";

/** Bytes to send, and what to read before the next step. */
export interface Step {
  readonly send: Uint8Array;
  /** So many ReadyForQuery. 1 unless given. */
  readonly ready?: number;
  /** Or: up to the reply that begins so. */
  readonly until?: string;
  /** The client holds no server before this step: others use both, and it gets another than before. */
  readonly rotate?: boolean;
}

export interface Differential {
  /** PostgreSQL's replies, step by step, and a last query that shows what came too much. */
  readonly expected: readonly (readonly string[])[];
  /** The pooler's. */
  readonly actual: readonly (readonly string[])[];
}

/** One PostgreSQL, and one pooler in front of it with a pool of two. */
export class Bench implements AsyncDisposable {
  readonly postgres: TestPostgres;
  readonly pooler: TestPooler;
  #desyncsSeen = 0;
  #errorsSeen = 0;

  private constructor(postgres: TestPostgres, pooler: TestPooler) {
    this.postgres = postgres;
    this.pooler = pooler;
  }

  static async start(options: TestPoolerOptions = {}): Promise<Bench> {
    const postgres = await startPostgres();
    return new Bench(postgres, await startPooler(postgres, options));
  }

  /** What must be empty after every test, since the last call: servers out of step, lines at level error. */
  takeFaults(): readonly string[] {
    const { desyncTotal } = this.pooler.pooler.counters;
    const errors = this.pooler.lines.filter(({ level }) => level === "error");
    const faults = [
      ...Array.from({ length: desyncTotal - this.#desyncsSeen }, () => "a server was out of step"),
      ...errors
        .slice(this.#errorsSeen)
        .map(({ fields, message }) => `${message} ${JSON.stringify(fields)}`),
    ];
    this.#desyncsSeen = desyncTotal;
    this.#errorsSeen = errors.length;
    return faults;
  }

  /** Counts the pooler's connections in PostgreSQL again and again from now on. */
  async watchServers(): Promise<ServerWatch> {
    const parameters = [["application_name", WATCH]] as const;
    return new ServerWatch(await RawClient.connect(directTarget(this.postgres), { parameters }));
  }

  /** Resolves when a server has more to send than the pooler takes: its client is in the middle of a reply. */
  async untilServerWrites(): Promise<void> {
    await eventually(async () => {
      const sql =
        "select count(*)::int as n from pg_stat_activity where wait_event = 'ClientWrite'";
      const rows = await this.postgres.query(sql);
      if (rows[0]?.["n"] !== 1) throw new Error("no server waits for its reply to be read");
    });
  }

  /** Connects to PostgreSQL itself. */
  direct(): Promise<RawClient> {
    return RawClient.connect(directTarget(this.postgres));
  }

  /** Connects to the transaction port. */
  pooled(): Promise<RawClient> {
    return RawClient.connect(this.pooler.target());
  }

  /** Runs the steps on both. Compare the two halves of the result. */
  async compare(steps: readonly Step[], cuts: Cuts = "whole"): Promise<Differential> {
    await using reference = await this.direct();
    const expected = await play(reference, steps, "whole", null);
    await using churn = await Churn.start(this.pooler.target());
    await using client = await this.pooled();
    const actual = await play(client, steps, cuts, churn);
    return { expected, actual };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pooler[Symbol.asyncDispose]();
    await this.postgres[Symbol.asyncDispose]();
  }
}

export function directTarget(postgres: TestPostgres): RawTarget {
  const { port, superuser, password } = postgres;
  return { host: "127.0.0.1", port, user: superuser, password, database: "postgres" };
}

async function play(
  client: RawClient,
  steps: readonly Step[],
  cuts: Cuts,
  churn: Churn | null,
): Promise<string[][]> {
  const replies: string[][] = [];
  for (const { send, ready = 1, until, rotate = false } of [...steps, LAST]) {
    if (rotate) await churn?.rotate();
    await client.send(send, cuts);
    const lines =
      until === undefined ? await client.untilReady(ready) : await client.linesUntil(until);
    replies.push(lines);
    if (lines.at(-1) === "closed") break;
  }
  return replies;
}

const LAST: Step = { send: query("select 'the end'") };

/** The most connections that the pooler had at a time. */
export class ServerWatch implements AsyncDisposable {
  readonly #client: RawClient;
  readonly #counting: Promise<void>;
  #most = 0;
  #over = false;

  constructor(client: RawClient) {
    this.#client = client;
    this.#counting = this.#count();
  }

  /** Ends the watch. */
  async most(): Promise<number> {
    this.#over = true;
    await this.#counting;
    return this.#most;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.most();
    await this.#client[Symbol.asyncDispose]();
  }

  async #count(): Promise<void> {
    do {
      const lines = await this.#client.run(COUNT_SERVERS);
      const row = lines.find((line) => line.startsWith("DataRow")) ?? "";
      this.#most = Math.max(this.#most, Number(/\d+/.exec(row)?.[0] ?? Number.NaN));
    } while (!this.#over);
  }
}

const WATCH = "watch";
const COUNT_SERVERS = query(
  `select count(*) from pg_stat_activity where backend_type = 'client backend' and application_name <> '${WATCH}'`,
);
