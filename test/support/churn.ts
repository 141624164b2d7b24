/**
 * Other clients of a pool of two, who make it rotate: between two transactions of the client under
 * test both servers are used and dirtied by others, and the next transaction runs on the other server
 * than the last one did. A pooler that leaks or mixes up state passes by luck without this.
 */

// oxlint-disable no-await-in-loop -- one thing after the other is the point here

import { bind, closeStatement, execute, join, parse, query, sync } from "./frontend-messages.ts";
import { RawClient, type RawTarget } from "./raw-client.ts";

export class Churn implements AsyncDisposable {
  readonly #clients: readonly [RawClient, RawClient];
  /** Keeps the server that the client under test shall not get. */
  #keeper: RawClient | null = null;
  /** The server that it got last. */
  #lastFree = "";

  private constructor(clients: readonly [RawClient, RawClient]) {
    this.#clients = clients;
  }

  /** Connects two clients to `target`, whose pool has two servers. */
  static async start(target: RawTarget): Promise<Churn> {
    return new Churn([await RawClient.connect(target), await RawClient.connect(target)]);
  }

  /** Dirties both servers, and leaves free the one that was not free before. No other client may hold one. */
  async rotate(): Promise<void> {
    await this.rest();
    const [first, second] = this.#clients;
    const firstServer = await begin(first);
    const secondServer = await begin(second);
    await dirty(first);
    await dirty(second);
    const keepFirst = firstServer === this.#lastFree;
    await (keepFirst ? second : first).run(query("commit"));
    this.#keeper = keepFirst ? first : second;
    this.#lastFree = keepFirst ? secondServer : firstServer;
  }

  /** Both servers are free again. */
  async rest(): Promise<void> {
    await this.#keeper?.run(query("commit"));
    this.#keeper = null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client[Symbol.asyncDispose]();
  }
}

/** Returns which server the client has. */
async function begin(client: RawClient): Promise<string> {
  const lines = await client.run(query("begin; select pg_backend_pid()"));
  return lines.find((line) => line.startsWith("DataRow")) ?? "";
}

/** Leaves statements under the names that tests use, settings, a temporary table. */
async function dirty(client: RawClient): Promise<void> {
  const statements = join(
    closeStatement("one"),
    parse("one", "select 'not yours'"),
    bind("one", [], "portal"),
    execute("portal"),
    parse("", "select 'not yours either'"),
    sync,
  );
  const settings = query(
    "set search_path to pg_catalog; set timezone to 'Asia/Tokyo'; set statement_timeout to 4321;" +
      "create temporary table if not exists leftover (a int) on commit drop",
  );
  const lines = [...(await client.run(settings)), ...(await client.run(statements))];
  const error = lines.find((line) => line.startsWith("ErrorResponse"));
  if (error !== undefined) throw new Error(`the other clients failed: ${error}`);
}
