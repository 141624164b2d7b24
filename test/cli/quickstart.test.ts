import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import { until } from "../support/deadline.ts";
import { isProcessAlive } from "../support/process-alive.ts";
import { psqlPath, runPsql } from "../support/psql.ts";
import { RunningProgram, runProgram } from "../support/running-program.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const MODES = ["transaction", "session", "native"] as const;

let folder: TemporaryFolder;

beforeEach(async () => {
  folder = await makeTemporaryFolder();
});
afterEach(async () => {
  await folder.remove();
});

/** Starts it, and waits until it has said what to do next. */
async function quickStart(environment: Readonly<Record<string, string>> = {}) {
  const program = new RunningProgram(["quickstart"], folder.path, environment);
  const welcome = await program.until("docs/ARCHITECTURE.md\n");
  return { program, welcome, [Symbol.asyncDispose]: () => program[Symbol.asyncDispose]() };
}

/** The connection string of a mode, out of the words that a person reads. */
function urlOf(mode: string, welcome: string): string {
  return new RegExp(`^  ${mode} +(postgresql://\\S+)$`, "m").exec(welcome)?.[1] ?? "";
}

async function query(connectionString: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function postmasterId(): Promise<number> {
  const file = join(folder.path, ".carpool", "postgres", "postmaster.pid");
  return Number.parseInt(await readFile(file, "utf8"), 10);
}

/** Changes `dev` as its owner may: by `carpool apply`. */
async function shrinkDev(): Promise<void> {
  const password = (await readFile(join(folder.path, ".carpool", "dev.password"), "utf8")).trim();
  const file = join(folder.path, "dev.json");
  const dev = {
    external_id: "dev",
    db_host: "127.0.0.1",
    db_port: 1, // the next start puts the real one in its place
    db_database: "postgres",
    default_pool_size: 3,
    users: [{ db_user: "postgres", db_password: password }],
  };
  await writeFile(file, JSON.stringify([dev]));
  expect(await runProgram(["apply", file], folder.path)).toMatchObject({ exitCode: 0 });
}

describe("carpool quickstart", () => {
  test("prints connection strings of which each works, and the folder of the data", async () => {
    await using started = await quickStart();
    expect(started.welcome).toContain(`All data is in ${join(folder.path, ".carpool")}\n`);
    for (const mode of MODES) {
      const url = urlOf(mode, started.welcome);
      expect(url).toMatch(/^postgresql:\/\/postgres\.dev:[\w-]{20}@127\.0\.0\.1:\d+\/postgres$/);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect(await query(url, "select current_user::text as me")).toEqual([{ me: "postgres" }]);
    }
    const health = /^Health +(\S+)$/m.exec(started.welcome)?.[1] ?? "";
    expect((await fetch(health)).status).toBe(204);
  });

  test("keeps its secrets to its own user", async () => {
    await using started = await quickStart();
    const secrets = ["dev.password", "vault.key", "carpool.db"];
    const modes = await Promise.all(
      secrets.map(async (name) => (await stat(join(folder.path, ".carpool", name))).mode & 0o777),
    );
    expect(modes).toEqual([0o600, 0o600, 0o600]);
    started.program.process.kill("SIGTERM");
    expect((await started.program.finished()).exitCode).toBe(0);
  });

  test("finds data and password again at a second start, and what was changed of dev", async () => {
    const table = "create table kept as select 42 as answer";
    let first = "";
    {
      await using started = await quickStart();
      first = urlOf("transaction", started.welcome);
      await query(first, table);
      const { out } = await runProgram(["tenants", "--json"], folder.path);
      expect(JSON.parse(out)).toMatchObject([{ external_id: "dev", default_pool_size: 15 }]);
      await shrinkDev();
      started.program.process.kill("SIGINT");
      expect((await started.program.finished()).exitCode).toBe(0);
    }
    await using again = await quickStart();
    const second = urlOf("transaction", again.welcome);
    expect(new URL(second).password).toBe(new URL(first).password);
    expect(await query(second, "select answer from kept")).toEqual([{ answer: 42 }]);
    const { out } = await runProgram(["tenants", "--json"], folder.path);
    expect(JSON.parse(out)).toMatchObject([{ external_id: "dev", default_pool_size: 3 }]);
  });

  test.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "ends PostgreSQL and itself on %s, while a client is connected",
    async (signal) => {
      await using started = await quickStart();
      const postmaster = await postmasterId();
      const client = new Client({ connectionString: urlOf("session", started.welcome) });
      client.on("error", () => undefined); // it is sent away
      await client.connect();
      await client.query("select 1");
      started.program.process.kill(signal);
      expect((await started.program.finished()).exitCode).toBe(0);
      expect(isProcessAlive(postmaster)).toBe(false);
    },
  );

  test("ends PostgreSQL also when it is killed itself", async () => {
    await using started = await quickStart();
    const postmaster = await postmasterId();
    started.program.process.kill("SIGKILL");
    await started.program.process.exited;
    await until("PostgreSQL is gone", () => !isProcessAlive(postmaster));
  });

  test("ends with 1, and says why, when PostgreSQL is gone", async () => {
    await using started = await quickStart();
    process.kill(await postmasterId(), "SIGQUIT");
    const { exitCode, out } = await started.program.finished();
    expect(exitCode).toBe(1);
    expect(out).toContain("PostgreSQL has ended; its log is");
  });

  test.each(["PROXY_PORT_TRANSACTION", "PROXY_PORT_SESSION", "PROXY_PORT_NATIVE", "PORT"])(
    "names %s where its port is taken, before anything is made",
    async (setting) => {
      const taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
      const { exitCode, out, error } = await runProgram(["quickstart"], folder.path, {
        [setting]: String(taken.port),
      });
      taken.stop();
      expect([exitCode, out]).toEqual([1, ""]);
      expect(error).toStartWith(`error: ${setting}: port ${taken.port} on 127.0.0.1 is taken`);
      expect(await Bun.file(join(folder.path, ".carpool", "postgres", "PG_VERSION")).exists()).toBe(
        false,
      );
    },
  );

  test("fails, and leaves no PostgreSQL behind, where the store has another key", async () => {
    {
      await using started = await quickStart();
      started.program.process.kill("SIGTERM");
      await started.program.finished();
    }
    const { exitCode, error } = await runProgram(["quickstart"], folder.path, {
      VAULT_ENC_KEY: "another encryption key: 32 bytes",
    });
    expect(exitCode).toBe(1);
    expect(error).toContain("VAULT_ENC_KEY");
    expect(
      await Bun.file(join(folder.path, ".carpool", "postgres", "postmaster.pid")).exists(),
    ).toBe(false);
  });

  test("says what to do where the password of the cluster is lost", async () => {
    {
      await using started = await quickStart();
      started.program.process.kill("SIGTERM");
      await started.program.finished();
    }
    await rm(join(folder.path, ".carpool", "dev.password"));
    const { exitCode, error } = await runProgram(["quickstart"], folder.path);
    expect(exitCode).toBe(1);
    expect(error).toContain("dev.password is gone");
  });

  test("refuses a folder where something else is", async () => {
    await mkdir(join(folder.path, ".carpool", "postgres"), { recursive: true });
    await writeFile(join(folder.path, ".carpool", "postgres", "mine"), "");
    await writeFile(join(folder.path, ".carpool", "dev.password"), "kept\n");
    const { exitCode, error } = await runProgram(["quickstart"], folder.path);
    expect(exitCode).toBe(1);
    expect(error).toContain("neither empty nor a PostgreSQL cluster");
  });

  test.skipIf(psqlPath() === null)("its strings work in psql (needs psql on PATH)", async () => {
    await using started = await quickStart();
    for (const mode of MODES) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const result = await runPsql(urlOf(mode, started.welcome), "-c", "select 1");
      expect(result).toEqual({ exitCode: 0, stdout: "1", stderr: "" });
    }
  });
});
