/**
 * One PostgreSQL, one pooler, clients that make pins, and others who use whatever server is free.
 */

import { eventually } from "../../support/eventually.ts";
import { query } from "../../support/frontend-messages.ts";
import { startPooler, type TestPooler, type TestPoolerOptions } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";

/** How many others use the servers at the same time: more than any pool here has. */
const OTHERS = 5;

export class PinRig implements AsyncDisposable {
  readonly postgres: TestPostgres;
  readonly pooler: TestPooler;

  private constructor(postgres: TestPostgres, pooler: TestPooler) {
    this.postgres = postgres;
    this.pooler = pooler;
  }

  static async start(options: TestPoolerOptions = {}): Promise<PinRig> {
    const postgres = await startPostgres();
    return new PinRig(postgres, await startPooler(postgres, options));
  }

  connect(tenant = "dev"): Promise<RawClient> {
    return RawClient.connect(this.pooler.target("transaction", tenant));
  }

  /** Others take each server that is free, at the same time. Returns the processes that they met. */
  async others(tenant = "dev"): Promise<readonly string[]> {
    const clients = await Promise.all(Array.from({ length: OTHERS }, () => this.connect(tenant)));
    try {
      return await Promise.all(
        clients.map((client) => valueOf(client, "select pg_sleep(0.01), pg_backend_pid()")),
      );
    } finally {
      await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
    }
  }

  /** Resolves when a client may pin a server: whoever did before has left it. */
  async untilRoom(tenant = "dev"): Promise<void> {
    await using client = await this.connect(tenant);
    await eventually(async () => {
      const answer = await valueOf(client, "select pg_try_advisory_lock(99)");
      if (answer !== "t") throw new Error(answer);
    });
    await client.run(query("select pg_advisory_unlock(99)"));
  }

  /** Resolves when so many rows of `pg_locks` are advisory locks. */
  async untilLocks(count: number): Promise<void> {
    await eventually(async () => {
      const sql = "select count(*)::int as n from pg_locks where locktype = 'advisory'";
      const [row] = await this.postgres.query(sql);
      if (row?.["n"] !== count) throw new Error(`${String(row?.["n"])} advisory locks`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pooler[Symbol.asyncDispose]();
    await this.postgres[Symbol.asyncDispose]();
  }
}

/** Runs a Query. Returns the last value of its last row, or its error with SQLSTATE. */
export async function valueOf(client: RawClient, sql: string): Promise<string> {
  return lastValue(await client.run(query(sql)));
}

/** Returns the last value that replies have, or their error. */
export function lastValue(lines: readonly string[]): string {
  const error = lines.find((line) => line.startsWith("ErrorResponse"));
  if (error !== undefined) return error;
  const row = lines.findLast((line) => line.startsWith("DataRow"));
  return row?.slice("DataRow ".length).split(" | ").at(-1)?.replaceAll('"', "") ?? "";
}
