/**
 * A pooler as a process of its own that the system allows little, in front of a test's PostgreSQL.
 */

import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { PostgresBehind } from "../../support/pooler.ts";
import {
  type ProgramEnvironment,
  RunningProgram,
  runProgram,
} from "../../support/running-program.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";

const READY = "carpool is ready";

const Line = z.looseObject({ level: z.union([z.string(), z.number()]), msg: z.string() });
const Ports = z.object({
  transaction: z.number(),
  session: z.number(),
  native: z.number(),
  http: z.number(),
});

type LoggedLine = z.output<typeof Line>;

export interface SpawnOptions {
  readonly environment?: ProgramEnvironment;
  /** Most open files, soft and hard. */
  readonly descriptors?: number;
  /** Fields of the tenant `dev`. */
  readonly tenant?: object;
}

export class SpawnedPooler implements AsyncDisposable {
  readonly program: RunningProgram;
  readonly ports: z.output<typeof Ports>;
  readonly #folder: TemporaryFolder;
  readonly #postgres: PostgresBehind;

  constructor(program: RunningProgram, folder: TemporaryFolder, postgres: PostgresBehind) {
    this.program = program;
    this.#folder = folder;
    this.#postgres = postgres;
    this.ports = Ports.parse(this.lines.find(({ msg }) => msg === READY));
  }

  static async start(postgres: PostgresBehind, options: SpawnOptions = {}): Promise<SpawnedPooler> {
    const folder = await makeTemporaryFolder();
    const tenant = {
      external_id: "dev",
      db_host: "127.0.0.1",
      db_port: postgres.port,
      db_database: "postgres",
      users: [{ db_user: postgres.superuser, db_password: postgres.password }],
      ...options.tenant,
    };
    await writeFile(join(folder.path, "tenants.json"), JSON.stringify([tenant]));
    const applied = await runProgram(["apply", "tenants.json"], folder.path);
    if (applied.exitCode !== 0) throw new Error(applied.error);
    const program = new RunningProgram(
      ["start"],
      folder.path,
      options.environment ?? {},
      launcherOf(options.descriptors),
    );
    await program.until(READY);
    return new SpawnedPooler(program, folder, postgres);
  }

  /** What `pg` and its like take. */
  target(mode: "transaction" | "session" | "native" = "transaction", tenant = "dev") {
    const { superuser, password } = this.#postgres;
    return {
      host: "127.0.0.1",
      port: this.ports[mode],
      user: `${superuser}.${tenant}`,
      password,
      database: "postgres",
    };
  }

  /** What it has logged. */
  get lines(): readonly LoggedLine[] {
    const whole = this.program.out.split("\n").slice(0, -1);
    return whole.map((line) => Line.parse(JSON.parse(line)));
  }

  /** Open files of its process. */
  get descriptors(): number {
    return readdirSync(`/proc/${this.program.process.pid}/fd`).length;
  }

  /** CPU time of its process, in milliseconds: clock ticks of 10 ms (proc_pid_stat(5)). */
  get cpuMs(): number {
    const stat = readFileSync(`/proc/${this.program.process.pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    await this.#folder.remove();
  }
}

/** The shell lowers its own limit, then becomes the program. */
export function launcherOf(descriptors: number | undefined): readonly string[] {
  return descriptors === undefined ? [] : ["sh", "-c", `ulimit -n ${descriptors}; exec "$@"`, "sh"];
}
