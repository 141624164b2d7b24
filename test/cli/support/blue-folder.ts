/**
 * A folder with the data of a Carpool whose one tenant, "blue", leads to a PostgreSQL of its own.
 */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RunningProgram, runProgram } from "../../support/running-program.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";

const READY = "carpool is ready";

/** How a client connects to the tenant. */
export interface BlueAccount {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export class BlueFolder implements AsyncDisposable {
  readonly #postgres: TestPostgres;
  readonly #folder: TemporaryFolder;

  private constructor(postgres: TestPostgres, folder: TemporaryFolder) {
    this.#postgres = postgres;
    this.#folder = folder;
  }

  /** Starts the PostgreSQL and applies the tenant, which has a pool of ten servers. */
  static async make(): Promise<BlueFolder> {
    const postgres = await startPostgres();
    const folder = await makeTemporaryFolder();
    const { port, superuser, password } = postgres;
    const tenant = {
      external_id: "blue",
      db_host: "127.0.0.1",
      db_port: port,
      db_database: "postgres",
      default_pool_size: 10,
      users: [{ db_user: superuser, db_password: password }],
    };
    await writeFile(join(folder.path, "tenants.json"), JSON.stringify([tenant]));
    const applied = await runProgram(["apply", "tenants.json"], folder.path);
    if (applied.exitCode !== 0) throw new Error(`the tenant was not applied: ${applied.error}`);
    return new BlueFolder(postgres, folder);
  }

  /** `carpool start` here, ready. */
  async start(shutdownTimeout: string, ...args: readonly string[]): Promise<RunningProgram> {
    const environment = { SHUTDOWN_TIMEOUT: shutdownTimeout };
    const program = new RunningProgram(["start", ...args], this.#folder.path, environment);
    await program.until(READY);
    return program;
  }

  account(port: number): BlueAccount {
    const { superuser, password } = this.#postgres;
    return {
      host: "127.0.0.1",
      port,
      user: `${superuser}.blue`,
      password,
      database: "postgres",
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder.remove();
    await this.#postgres[Symbol.asyncDispose]();
  }
}
