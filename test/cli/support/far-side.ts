/**
 * A node of three worker processes before a real PostgreSQL, and clients of which each has come to another worker than
 * the one that owns it.
 */

import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect, Socket } from "node:net";
import { join } from "node:path";
import { Client, type ClientConfig } from "pg";
import postgresJs from "postgres";
import { ByteWriter } from "../../../src/wire/byte-writer.ts";
import { writeStartupMessage } from "../../../src/wire/frontend/startup-message.ts";
import { until } from "../../support/deadline.ts";
import { query } from "../../support/frontend-messages.ts";
import {
  startPostgres,
  type TestPostgres,
  type TestPostgresOptions,
} from "../../support/postgres.ts";
import { RawClient } from "../../support/raw-client.ts";
import { type ProgramEnvironment, runProgram } from "../../support/running-program.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";
import { WorkerProgram } from "../../support/worker-program.ts";

const TENANT = "blue";

export type PortMode = "transaction" | "session" | "native";

/** Who clients log in as, and where. */
export interface FarLogin {
  readonly tenant: string;
  readonly user: string;
  readonly password: string;
}

/** A PostgreSQL, and a folder with a tenant that leads to it. */
export class FarSetup implements AsyncDisposable {
  readonly postgres: TestPostgres;
  readonly folder: TemporaryFolder;

  private constructor(postgres: TestPostgres, folder: TemporaryFolder) {
    this.postgres = postgres;
    this.folder = folder;
  }

  /** @param others tenants beside the superuser's, each with its name and what it has of its own */
  static async make(
    postgresOptions: TestPostgresOptions = {},
    others: (postgres: TestPostgres) => Promise<readonly object[]> = () => Promise.resolve([]),
  ): Promise<FarSetup> {
    const postgres = await startPostgres(postgresOptions);
    const folder = await makeTemporaryFolder();
    const { port, superuser, password } = postgres;
    const place = {
      db_host: "127.0.0.1",
      db_port: port,
      db_database: "postgres",
      owners: 1,
      default_pool_size: 20,
    };
    const users = [{ db_user: superuser, db_password: password }];
    const tenants = [{ external_id: TENANT, users }, ...(await others(postgres))];
    const placed = tenants.map((tenant) => Object.assign({}, place, tenant));
    await writeFile(join(folder.path, "tenants.json"), JSON.stringify(placed));
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
  readonly #login: FarLogin;

  private constructor(program: WorkerProgram, login: FarLogin) {
    this.program = program;
    this.owner = program.ownerOf(login.tenant);
    this.#login = login;
  }

  static async start(setup: FarSetup, environment: ProgramEnvironment = {}): Promise<FarSide> {
    const { superuser: user, password } = setup.postgres;
    const program = await WorkerProgram.start(setup.folder.path, 3, environment);
    return new FarSide(program, { tenant: TENANT, user, password });
  }

  /** The same program, for who logs in otherwise. It ends with the one that was started. */
  as(login: FarLogin): FarSide {
    return new FarSide(this.program, login);
  }

  target(mode: PortMode = "transaction") {
    const { tenant, user, password } = this.#login;
    const host = "127.0.0.1";
    const port = this.program.portOf(mode);
    return { host, port, user: `${user}.${tenant}`, password, database: "postgres" };
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

  /** Connects, and begins a login: it has been asked for its proof. */
  async loggingIn(): Promise<RawClient> {
    for (;;) {
      const target = this.target();
      // oxlint-disable-next-line no-await-in-loop -- until one is far
      const client = await RawClient.open(target);
      // oxlint-disable-next-line no-await-in-loop -- as above
      await client.send(startupOf(target.user));
      // oxlint-disable-next-line no-await-in-loop -- as above
      await client.next();
      // oxlint-disable-next-line no-await-in-loop -- as above
      if (await this.isFar(target.port, client.localPort)) return client;
      client.disappear();
    }
  }

  async pg(config: ClientConfig = {}): Promise<Client> {
    for (;;) {
      const socket = new Socket();
      const client = new Client({ ...this.target(), ...config, stream: () => socket });
      client.on("error", () => undefined);
      // oxlint-disable-next-line no-await-in-loop -- until one is far
      await client.connect();
      // oxlint-disable-next-line no-await-in-loop -- as above
      if (await this.isFar(this.target().port, socket.localPort ?? 0)) return client;
      // oxlint-disable-next-line no-await-in-loop -- as above
      await client.end();
    }
  }

  /** @param prepare whether it prepares named statements */
  async postgresJs(prepare = false): Promise<postgresJs.Sql> {
    for (;;) {
      const socket = connect(this.target());
      // oxlint-disable-next-line no-await-in-loop -- until one is far
      await once(socket, "connect");
      // One that reconnects would get the same socket again, and fail.
      const options = { ...this.target(), max: 1, prepare, socket: () => socket };
      // oxlint-disable-next-line no-await-in-loop -- as above
      if (await this.isFar(options.port, socket.localPort ?? 0)) return postgresJs(options);
      socket.destroy();
    }
  }

  async isFar(port: number, clientPort: number): Promise<boolean> {
    await until("it is accepted", () => this.program.workerAt(port, clientPort) >= 0);
    return this.program.workerAt(port, clientPort) !== this.owner;
  }

  /**
   * Waits until what a client has set or prepared must be on its ticket, which nobody outside sees: longer than that
   * may take, and until the owner, however busy the machine, has done something else since.
   */
  async ticketsWritten(): Promise<void> {
    await Bun.sleep(1000);
    const other = await this.raw();
    await other.run(query("select 1"));
    await other.run(query("select 1"));
    other.disappear();
  }

  killOwner(): Promise<void> {
    return this.program.kill(this.owner);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.program[Symbol.asyncDispose]();
  }
}

function startupOf(user: string): Uint8Array {
  const writer = new ByteWriter();
  const parameters = [["user", user]] as const;
  writeStartupMessage(writer, { major: 3, minor: 0, parameters, protocolOptions: [] });
  return writer.take();
}

/** The code of the last error in `lines`. */
export function codeIn(lines: readonly string[]): string | undefined {
  const last = lines.findLast((line) => line.startsWith("ErrorResponse"));
  return /(?:FATAL|ERROR): (\w{5}):/.exec(last ?? "")?.[1];
}
