/**
 * A node of three worker processes before a real PostgreSQL, and clients of which each has come to another worker than
 * the one that owns it.
 */

import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect, Socket } from "node:net";
import { join } from "node:path";
import { Client } from "pg";
import postgresJs from "postgres";
import { until } from "../../support/deadline.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";
import { runProgram } from "../../support/running-program.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";
import { WorkerProgram } from "../../support/worker-program.ts";

const TENANT = "blue";

export type PortMode = "transaction" | "session" | "native";

/** A PostgreSQL, and a folder with a tenant that leads to it. */
export class FarSetup implements AsyncDisposable {
  readonly postgres: TestPostgres;
  readonly folder: TemporaryFolder;

  private constructor(postgres: TestPostgres, folder: TemporaryFolder) {
    this.postgres = postgres;
    this.folder = folder;
  }

  static async make(): Promise<FarSetup> {
    const postgres = await startPostgres();
    const folder = await makeTemporaryFolder();
    const { port, superuser, password } = postgres;
    const tenant = {
      external_id: TENANT,
      db_host: "127.0.0.1",
      db_port: port,
      db_database: "postgres",
      owners: 1,
      default_pool_size: 20,
      users: [{ db_user: superuser, db_password: password }],
    };
    await writeFile(join(folder.path, "tenants.json"), JSON.stringify([tenant]));
    const { exitCode, error } = await runProgram(["apply", "tenants.json"], folder.path);
    if (exitCode !== 0) throw new Error(error);
    return new FarSetup(postgres, folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.folder.remove();
    await this.postgres[Symbol.asyncDispose]();
  }
}

/** A program, and the ways to connect to it that lead over a link. */
export class FarSide implements AsyncDisposable {
  readonly program: WorkerProgram;
  readonly owner: number;
  readonly #setup: FarSetup;

  private constructor(program: WorkerProgram, setup: FarSetup) {
    this.program = program;
    this.owner = program.ownerOf(TENANT);
    this.#setup = setup;
  }

  static async start(setup: FarSetup): Promise<FarSide> {
    return new FarSide(await WorkerProgram.start(setup.folder.path, 3), setup);
  }

  target(mode: PortMode = "transaction") {
    const { superuser, password } = this.#setup.postgres;
    const host = "127.0.0.1";
    const port = this.program.portOf(mode);
    return { host, port, user: `${superuser}.${TENANT}`, password, database: "postgres" };
  }

  /** Connects until the connection is not the owner's own. */
  async raw(
    mode: PortMode = "transaction",
    parameters: readonly (readonly [string, string])[] = [],
  ): Promise<RawClient> {
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- until one is far
      const client = await RawClient.connect(this.target(mode), { parameters });
      // oxlint-disable-next-line no-await-in-loop -- as above
      if (await this.isFar(this.target(mode).port, client.localPort)) return client;
      client.disappear();
    }
  }

  async pg(): Promise<Client> {
    for (;;) {
      const socket = new Socket();
      const client = new Client({ ...this.target(), stream: () => socket });
      client.on("error", () => undefined);
      // oxlint-disable-next-line no-await-in-loop -- until one is far
      await client.connect();
      // oxlint-disable-next-line no-await-in-loop -- as above
      if (await this.isFar(this.target().port, socket.localPort ?? 0)) return client;
      // oxlint-disable-next-line no-await-in-loop -- as above
      await client.end();
    }
  }

  async postgresJs(): Promise<postgresJs.Sql> {
    for (;;) {
      const socket = connect(this.target());
      // oxlint-disable-next-line no-await-in-loop -- until one is far
      await once(socket, "connect");
      // One that reconnects would get the same socket again, and fail.
      const options = { ...this.target(), max: 1, prepare: false, socket: () => socket };
      // oxlint-disable-next-line no-await-in-loop -- as above
      if (await this.isFar(options.port, socket.localPort ?? 0)) return postgresJs(options);
      socket.destroy();
    }
  }

  async isFar(port: number, clientPort: number): Promise<boolean> {
    await until("it is accepted", () => this.program.workerAt(port, clientPort) >= 0);
    return this.program.workerAt(port, clientPort) !== this.owner;
  }

  killOwner(): Promise<void> {
    return this.program.kill(this.owner);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.program[Symbol.asyncDispose]();
  }
}

/** The code of the last error in `lines`. */
export function codeIn(lines: readonly string[]): string | undefined {
  const last = lines.findLast((line) => line.startsWith("ErrorResponse"));
  return /(?:FATAL|ERROR): (\w{5}):/.exec(last ?? "")?.[1];
}
