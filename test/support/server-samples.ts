/**
 * How many servers PostgreSQL has, looked at again and again.
 */

import { Client } from "pg";
import type { PostgresBehind } from "./pooler.ts";

const BACKENDS =
  "select count(*)::int as n from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()";

export class ServerSamples implements AsyncDisposable {
  most = 0;
  count = 0;
  readonly #client: Client;
  readonly #run: Promise<void>;
  #over = false;

  private constructor(client: Client) {
    this.#client = client;
    this.#run = this.#sample();
  }

  static async start({ port, superuser, password }: PostgresBehind): Promise<ServerSamples> {
    const place = { host: "127.0.0.1", port, database: "postgres" };
    const client = new Client({ ...place, user: superuser, password });
    await client.connect();
    return new ServerSamples(client);
  }

  /** How many there are now, this one left out. */
  async now(): Promise<number> {
    const { rows } = await this.#client.query<{ n: number }>(BACKENDS);
    return rows[0]?.n ?? Number.NaN;
  }

  /** Looks no more. A no-op when repeated. */
  async end(): Promise<void> {
    this.#over = true;
    await this.#run;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    await this.#client.end();
  }

  async #sample(): Promise<void> {
    while (!this.#over) {
      // oxlint-disable-next-line no-await-in-loop -- one sample after the other
      this.most = Math.max(this.most, await this.now());
      this.count += 1;
    }
  }
}
