/**
 * Other clients, who use and dirty the servers of a pool between every two transactions of the client
 * under test. All servers but one stay with them, and that one is another each time: so the next
 * transaction runs where others have been since, and not where the last one ran. A server that the client
 * under test has pinned is left out.
 */

// oxlint-disable no-await-in-loop -- one thing after the other is the point here

import * as frontend from "../../support/frontend-messages.ts";
import { nextTurn, RawClient, type RawTarget } from "../../support/raw-client.ts";

/** A server that is idle in so many looks while somebody waits for one is pinned. */
const LOOKS = 3;

/** How often one of the crowd leaves in the middle of something. */
const ROUNDS_PER_ACCIDENT = 7;

export class Crowd implements AsyncDisposable {
  readonly #target: RawTarget;
  readonly #clients: RawClient[];
  /** Looks at the pooler's servers: a client of PostgreSQL itself. */
  readonly #watch: RawClient;
  readonly #keepers = new Set<RawClient>();
  #round = 0;
  /** The server that was left free last. */
  #lastFree = "";

  private constructor(target: RawTarget, clients: RawClient[], watch: RawClient) {
    this.#target = target;
    this.#clients = clients;
    this.#watch = watch;
  }

  /** Connects as many clients to `target` as its pool has servers. */
  static async start(target: RawTarget, poolSize: number, direct: RawTarget): Promise<Crowd> {
    const clients: RawClient[] = [];
    for (let index = 0; index < poolSize; index += 1)
      clients.push(await RawClient.connect(target, { parameters: PARAMETERS[index % 2] ?? [] }));
    return new Crowd(target, clients, await RawClient.connect(direct));
  }

  /** Takes all servers that can be had, dirties them, and leaves one of them free. */
  async rotate(): Promise<void> {
    await this.rest();
    this.#round += 1;
    if (this.#round % ROUNDS_PER_ACCIDENT === 0) await this.#haveAnAccident();
    const servers = await this.#takeServers();
    const free = servers.findIndex(({ server }) => server !== this.#lastFree);
    const chosen = servers[free] ?? servers[0];
    if (chosen === undefined) return;
    for (const { client } of servers) if (client !== chosen.client) this.#keepers.add(client);
    this.#lastFree = chosen.server;
    await chosen.client.run(frontend.query("commit"));
  }

  /** All servers are free. */
  async rest(): Promise<void> {
    const keepers = [...this.#keepers];
    this.#keepers.clear();
    await Promise.all(keepers.map((client) => client.run(frontend.query("commit"))));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of [...this.#clients, this.#watch]) await client[Symbol.asyncDispose]();
  }

  /** Who got a server, and which. Who got none is replaced: it would get one too late. */
  async #takeServers(): Promise<readonly { client: RawClient; server: string }[]> {
    const dirt = DIRT[this.#round % DIRT.length] ?? "";
    const taken: { client: RawClient; server: string }[] = [];
    const attempts = this.#clients.map(async (client) => {
      taken.push({ client, server: await takeServer(client, dirt) });
    });
    const all = Promise.allSettled(attempts);
    const allAreServed = await Promise.race([all.then(() => true), this.#untilOneIsPinned(taken)]);
    if (!allAreServed) await this.#replace(taken.map(({ client }) => client));
    const failed = (await all).find(({ status }) => status === "rejected");
    if (allAreServed && failed?.status === "rejected") throw failed.reason;
    return taken;
  }

  /** Resolves with false when a server stays idle although somebody waits. */
  async #untilOneIsPinned(taken: readonly unknown[]): Promise<boolean> {
    let looks = 0;
    while (looks < LOOKS && taken.length < this.#clients.length) {
      looks = (await this.#someServerIsIdle()) ? looks + 1 : 0;
      await nextTurn();
    }
    return taken.length === this.#clients.length;
  }

  async #replace(served: readonly RawClient[]): Promise<void> {
    for (const [index, client] of this.#clients.entries()) {
      if (served.includes(client)) continue;
      client.disappear();
      this.#clients[index] = await RawClient.connect(this.#target);
    }
  }

  async #someServerIsIdle(): Promise<boolean> {
    const lines = await this.#watch.run(frontend.query(IDLE_SERVERS));
    return !lines.includes('DataRow "0"');
  }

  /** Leaves a server in the middle of a transaction, with all that a session can hold. */
  async #haveAnAccident(): Promise<void> {
    const victim = await RawClient.connect(this.#target);
    await victim.run(frontend.query(ACCIDENT));
    victim.disappear(this.#round % 2 === 0);
  }
}

const PARAMETERS = [
  [],
  [
    ["options", "-c search_path=nowhere -c my.own=crowd -c work_mem=5MB"],
    ["TimeZone", "Asia/Tokyo"],
    ["application_name", "crowd"],
  ],
] as const;

/** Settings of all kinds; each begins with what the others may have left in the way. */
const DIRT: readonly string[] = [
  "set search_path to pg_catalog; set timezone to 'Asia/Tokyo'; set statement_timeout to 54321; set my.own = 'crowd'",
  "set datestyle to 'German'; set work_mem = '3MB'; set extra_float_digits = 0; set bytea_output = 'escape'",
  "create temporary table t on commit drop as select 'crowd' as a; declare c cursor for select 'crowd'",
  "set role crowd; set application_name = 'crowd'; set intervalstyle = 'sql_standard'",
  "reset role; set standard_conforming_strings = off; set lock_timeout = 54321; select set_config('my.own', 'other', false)",
  "set standard_conforming_strings = on; set session authorization crowd; set default_transaction_isolation = 'serializable'",
  "reset session authorization; set default_transaction_isolation = 'read committed'; set row_security = off; select set_config('my.two', 'x', true)",
];

const ACCIDENT =
  "begin; set session authorization crowd; set timezone = 'Asia/Kolkata'; reset session authorization; " +
  "create temporary table t as select 'accident' as a; select pg_advisory_lock(4711); listen news; " +
  "declare h cursor with hold for select 'accident'; prepare one as select 'accident'; set my.own = 'accident'";

const IDLE_SERVERS =
  "select count(*) from pg_stat_activity where datname = 'pooled' and state = 'idle' and backend_type = 'client backend'";

/** Returns which server it has, which it has dirtied then. */
async function takeServer(client: RawClient, dirt: string): Promise<string> {
  const bytes = frontend.join(
    frontend.query(`begin; select pg_backend_pid(); ${dirt}`),
    STATEMENTS,
    frontend.sync,
  );
  const lines = await client.run(bytes, 2);
  const error = lines.find((line) => line.startsWith("ErrorResponse"));
  if (error !== undefined) throw new Error(`the crowd failed: ${error}`);
  return lines.find((line) => line.startsWith("DataRow")) ?? "";
}

/** Statements and a portal under the names that scripts use. */
const STATEMENTS = frontend.join(
  frontend.closeStatement("one"),
  frontend.parse("one", "select 'not yours'"),
  frontend.bind("one", [], "portal"),
  frontend.execute("portal"),
  frontend.parse("", "select 'not yours either'"),
);
