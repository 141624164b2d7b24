import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import { until } from "../support/deadline.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { type ProgramEnvironment, RunningProgram, runProgram } from "../support/running-program.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const READY = "carpool is ready";
const RESTARTED = "a worker has ended, and is started again";

let postgres: TestPostgres;
let folder: TemporaryFolder;

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});
beforeEach(async () => {
  folder = await makeTemporaryFolder();
  const { port, superuser, password } = postgres;
  const tenant = {
    external_id: "blue",
    db_host: "127.0.0.1",
    db_port: port,
    db_database: "postgres",
    users: [{ db_user: superuser, db_password: password }],
  };
  await writeFile(join(folder.path, "tenants.json"), JSON.stringify([tenant]));
  expect(await runProgram(["apply", "tenants.json"], folder.path)).toMatchObject({ exitCode: 0 });
});
afterEach(async () => {
  await folder.remove();
});

/** Starts it with three workers, and waits until it is ready. */
async function start(environment: ProgramEnvironment = {}): Promise<RunningProgram> {
  const program = new RunningProgram(["start"], folder.path, { WORKERS: "3", ...environment });
  await program.until(READY);
  return program;
}

function portOf(program: RunningProgram): number {
  return Number(/"transaction":(\d+)/.exec(program.out)?.[1]);
}

/** The processes that `parent` has started and not waited for, in the order of their starts. */
function childrenOf(parent: number): readonly number[] {
  const path = `/proc/${parent}/task/${parent}/children`;
  return readFileSync(path, "utf8").split(" ").filter(Boolean).map(Number);
}

function isAlive(processId: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${processId}/status`, "utf8"));
  } catch {
    return false;
  }
}

async function connect(port: number): Promise<Client> {
  const { superuser, password } = postgres;
  const client = new Client({
    host: "127.0.0.1",
    port,
    user: `${superuser}.blue`,
    password,
    database: "postgres",
  });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

async function answerOf(port: number): Promise<unknown> {
  const client = await connect(port);
  try {
    return (await client.query("select 1 as one")).rows;
  } finally {
    await client.end();
  }
}

/** Waits for `count` of the children that are not among `before`. */
async function nextChildren(parent: number, before: readonly number[]): Promise<readonly number[]> {
  await until("as many workers are there as before", () => childrenOf(parent).length === 3);
  return childrenOf(parent).filter((child) => !before.includes(child));
}

describe("carpool start with several workers", () => {
  test("serves on one port with a process for each worker", async () => {
    await using program = await start();
    const workers = childrenOf(program.process.pid);
    expect(workers).toHaveLength(3);
    const answers = Array.from({ length: 12 }, () => answerOf(portOf(program)));
    for (const answer of await Promise.all(answers)) expect(answer).toEqual([{ one: 1 }]);
  });

  test("starts a worker again that was killed, and leaves the others alone", async () => {
    await using program = await start();
    const before = childrenOf(program.process.pid);
    process.kill(before[1] ?? 0, "SIGKILL");
    await program.until(RESTARTED);
    const fresh = await nextChildren(program.process.pid, before);
    expect(fresh).toHaveLength(1);
    expect(before.filter((worker) => worker !== before[1]).every(isAlive)).toBeTrue();
    expect(program.out).toContain('"how":"SIGKILL"');
    await until("it serves", async () => {
      try {
        return (await answerOf(portOf(program))) !== null;
      } catch {
        return false;
      }
    });
  });

  test("starts a worker again that was told to stop, after its clients", async () => {
    await using program = await start();
    const before = childrenOf(program.process.pid);
    process.kill(before[0] ?? 0, "SIGTERM");
    await program.until(RESTARTED);
    expect(await nextChildren(program.process.pid, before)).toHaveLength(1);
    expect(program.out).toContain('"how":"exit code 0"');
  });

  test("stops with all its workers, and leaves no socket behind", async () => {
    await using program = await start({ SHUTDOWN_TIMEOUT: "1s" });
    const workers = childrenOf(program.process.pid);
    program.process.kill("SIGTERM");
    expect(await program.finished()).toMatchObject({ exitCode: 0, error: "" });
    expect(program.out).not.toContain("a link is gone");
    expect(workers.filter(isAlive)).toEqual([]);
    expect(readdirSync(folder.path).filter((name) => name.startsWith("carpool-"))).toEqual([]);
  });

  test("ends with all its workers at once at a second signal, whatever they do", async () => {
    await using program = await start({ SHUTDOWN_TIMEOUT: "1min" });
    const workers = childrenOf(program.process.pid);
    const clients = await Promise.all(Array.from({ length: 6 }, () => connect(portOf(program))));
    await Promise.all(clients.map((client) => client.query("begin")));
    program.process.kill("SIGTERM");
    await program.until("stopping: no more clients");
    await until("a second signal ends it", () => {
      program.process.kill("SIGTERM");
      return program.process.exitCode !== null || program.process.signalCode !== null;
    });
    expect(await program.finished()).toMatchObject({ exitCode: 128 + 15 });
    await until("its workers have ended", () => workers.filter(isAlive).length === 0);
    expect(readdirSync(folder.path).filter((name) => name.startsWith("carpool-"))).toEqual([]);
  });

  test("ends its workers also when it is killed itself", async () => {
    await using program = await start({ SHUTDOWN_TIMEOUT: "1s" });
    const workers = childrenOf(program.process.pid);
    program.process.kill("SIGKILL");
    await until("no worker is left", () => !workers.some(isAlive));
    expect(readdirSync(folder.path).filter((name) => /^carpool-.{6}$/.test(name))).toHaveLength(1); // HTTP
    const port = String(portOf(program));
    await using next = await start({ PROXY_PORT_TRANSACTION: port });
    expect(await answerOf(portOf(next))).toEqual([{ one: 1 }]);
  });

  test("does not start beside another one on its ports, though workers share theirs", async () => {
    await using program = await start();
    const port = portOf(program);
    const second = await runProgram(["start"], folder.path, {
      WORKERS: "2",
      PROXY_PORT_TRANSACTION: String(port),
    });
    expect(second.exitCode).toBe(1);
    expect(second.error).toContain(`PROXY_PORT_TRANSACTION: port ${port} on 127.0.0.1 is taken`);
    expect(await answerOf(port)).toEqual([{ one: 1 }]);
  });

  test("starts a worker with the settings that were reloaded since", async () => {
    await using program = await start();
    await writeFile(join(folder.path, "carpool.yaml"), "DEFAULT_TENANT: blue\n");
    program.process.kill("SIGHUP");
    await program.until("settings and certificates were reloaded");
    const before = childrenOf(program.process.pid);
    process.kill(before[2] ?? 0, "SIGKILL");
    await nextChildren(program.process.pid, before);
    const { superuser, password } = postgres;
    await until("every worker takes clients that name no tenant", async () => {
      const clients = Array.from(
        { length: 9 },
        () =>
          new Client({
            host: "127.0.0.1",
            port: portOf(program),
            user: superuser,
            password,
            database: "postgres",
          }),
      );
      for (const client of clients) client.on("error", () => undefined);
      const ins = await Promise.allSettled(clients.map((client) => client.connect()));
      await Promise.allSettled(clients.map((client) => client.end()));
      return ins.every(({ status }) => status === "fulfilled");
    });
  });
});
