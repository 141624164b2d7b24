/**
 * A running node for swarms of clients that ask for their own tags: a tenant for each worker, and one that all of
 * them share, each with a database of its name.
 */

import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Ownership } from "../../../src/cluster/ownership.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { present } from "../../support/present.ts";
import {
  type ProgramEnvironment,
  RunningProgram,
  runProgram,
} from "../../support/running-program.ts";
import { makeTemporaryFolder } from "../../support/temporary-folder.ts";
import { WireClient, type WireTarget } from "../chaos/wire-client.ts";

const POOL_SIZE = 3;
const SHARED_POOL_SIZE = 6;
const POLL_MS = 20;

export const SHARED = "shared";

export interface TaggedNodeOptions {
  readonly workers: number;
  /** How many own the shared tenant; null: Carpool says. */
  readonly owners: number | null;
  readonly environment?: ProgramEnvironment;
}

export class TaggedNode implements AsyncDisposable {
  readonly postgres: TestPostgres;
  readonly program: RunningProgram;
  /** Tenants by their names: how many servers each may have. */
  readonly tenants: ReadonlyMap<string, number>;
  /** Where its store is, and where other programs that it is asked by may run. */
  readonly folder: string;
  readonly #leftovers: AsyncDisposableStack;

  private constructor(
    postgres: TestPostgres,
    program: RunningProgram,
    tenants: ReadonlyMap<string, number>,
    folder: string,
    leftovers: AsyncDisposableStack,
  ) {
    this.postgres = postgres;
    this.program = program;
    this.tenants = tenants;
    this.folder = folder;
    this.#leftovers = leftovers;
  }

  /** Serves once it resolves. */
  static async start({ workers, owners, environment }: TaggedNodeOptions): Promise<TaggedNode> {
    await using leftovers = new AsyncDisposableStack();
    const postgres = leftovers.use(await startPostgres({ settings: { max_connections: "60" } }));
    const folder = await makeTemporaryFolder();
    leftovers.defer(() => folder.remove());
    const tenants = tenantsOf(workers);
    // oxlint-disable-next-line no-await-in-loop -- each copies the same template
    for (const name of tenants.keys()) await postgres.query(`create database ${name}`);
    const records = Array.from(tenants, ([name, poolSize]) => ({
      ...recordOf(name, poolSize, postgres),
      ...(owners === null ? {} : { owners: name === SHARED ? owners : 1 }),
    }));
    await writeFile(join(folder.path, "tenants.json"), JSON.stringify(records));
    const applied = await runProgram(["apply", "tenants.json"], folder.path);
    if (applied.exitCode !== 0) throw new Error(applied.error);
    const program = leftovers.use(
      new RunningProgram(["start"], folder.path, { WORKERS: String(workers), ...environment }),
    );
    await program.until("carpool is ready");
    return new TaggedNode(postgres, program, tenants, folder.path, leftovers.move());
  }

  /** Starts another one with the same store, at this port for transactions. Serves once it resolves. */
  async startAgain(port: number): Promise<RunningProgram> {
    const environment = { WORKERS: "2", PROXY_PORT_TRANSACTION: String(port) };
    const program = new RunningProgram(["start"], this.folder, environment);
    await program.until("carpool is ready");
    return program;
  }

  /** The processes of the workers that are there now. */
  get workers(): readonly number[] {
    const { pid } = this.program.process;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return children.split(" ").filter(Boolean).map(Number);
  }

  targetOf(tenant: string, database = tenant): WireTarget {
    const { superuser, password } = this.postgres;
    const port = Number(/"transaction":(\d+)/.exec(this.program.out)?.[1]);
    return { host: "127.0.0.1", port, user: `${superuser}.${tenant}`, password, database };
  }

  /** Resolves when a new client of the tenant was let in, for which its owner needs a server. */
  async untilServes(tenant: string, timeoutMs: number, database = tenant): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- one attempt after the other
      const outcome = await Promise.race([
        WireClient.connect(this.targetOf(tenant, database)).catch(() => null),
        Bun.sleep(Math.max(0, deadlineMs - performance.now())),
      ]);
      if (outcome instanceof WireClient) return outcome.vanish();
      if (performance.now() > deadlineMs)
        throw new Error(`${tenant} is not served after ${timeoutMs} ms`);
      // oxlint-disable-next-line no-await-in-loop -- its pause
      await Bun.sleep(POLL_MS);
    }
  }

  /** What it has logged as errors that has none of these words in it. */
  errorsWithout(...words: readonly string[]): readonly string[] {
    const errors = this.program.out.split("\n").filter((line) => line.includes('"level":"error"'));
    return errors.filter((line) => !words.some((known) => line.includes(known)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#leftovers.disposeAsync();
  }
}

function tenantsOf(workers: number): ReadonlyMap<string, number> {
  const owned = Array.from({ length: workers }, (_, worker) => ownedBy(worker, workers));
  return new Map([...owned.map((name) => [name, POOL_SIZE] as const), [SHARED, SHARED_POOL_SIZE]]);
}

/** Returns the name of a tenant whose first owner the worker is. */
function ownedBy(worker: number, workers: number): string {
  const ownership = new Ownership(workers);
  const names = Array.from({ length: 100 }, (_, at) => `tenant${at}`);
  return present(names.find((name) => ownership.ranking(name)[0] === worker));
}

function recordOf(name: string, poolSize: number, { port, superuser, password }: TestPostgres) {
  return {
    external_id: name,
    db_host: "127.0.0.1",
    db_port: port,
    db_database: name,
    default_pool_size: poolSize,
    users: [{ db_user: superuser, db_password: password }],
  };
}
