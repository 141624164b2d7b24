import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { rejectionOf } from "../support/rejection.ts";
import { RunningProgram, runProgram } from "../support/running-program.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const READY = "carpool is ready";

/** So many that some come in at each of three workers, of which one owns their tenant. */
const CLIENTS = 12;

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
    default_pool_size: CLIENTS,
    owners: 1,
    users: [{ db_user: superuser, db_password: password }],
  };
  await writeFile(join(folder.path, "tenants.json"), JSON.stringify([tenant]));
  expect(await runProgram(["apply", "tenants.json"], folder.path)).toMatchObject({ exitCode: 0 });
});
afterEach(async () => {
  await folder.remove();
});

async function start(): Promise<RunningProgram> {
  const program = new RunningProgram(["start"], folder.path, {
    WORKERS: "3",
    SHUTDOWN_TIMEOUT: "10s",
  });
  await program.until(READY);
  return program;
}

async function connectAll(program: RunningProgram): Promise<readonly Client[]> {
  const port = Number(/"transaction":(\d+)/.exec(program.out)?.[1]);
  const clients = Array.from({ length: CLIENTS }, () => newClient(port));
  await Promise.all(clients.map((client) => client.connect()));
  return clients;
}

function newClient(port: number, user = "postgres.blue"): Client {
  const client = new Client({
    host: "127.0.0.1",
    port,
    user,
    password: postgres.password,
    database: "postgres",
  });
  client.on("error", () => undefined); // `ending` tells
  return client;
}

/** Resolves to the error that the server ends an idle connection with. */
function ending(client: Client): Promise<unknown> {
  return new Promise((resolve) => client.once("error", resolve));
}

describe("carpool start with three workers, told to stop,", () => {
  test("lets all transactions commit, whichever worker their clients came to, and ends with 0", async () => {
    await using program = await start();
    const clients = await connectAll(program);
    await Promise.all(clients.map((client) => client.query("begin")));
    program.process.kill("SIGTERM");
    await program.until("stopping: no more clients are taken");
    const told = clients.map(ending);
    for (const client of clients) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other: the last one's worker waits for it
      expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
      // oxlint-disable-next-line no-await-in-loop -- one after the other: the last one's worker waits for it
      await client.query("commit");
    }
    for (const error of await Promise.all(told)) expect(error).toMatchObject({ code: "57P01" });
    expect(await program.finished()).toMatchObject({ exitCode: 0, error: "" });
  });

  test("says 57P01 to idle clients, and leaves nothing behind", async () => {
    await using program = await start();
    const told = (await connectAll(program)).map(ending);
    program.process.kill("SIGTERM");
    for (const error of await Promise.all(told)) expect(error).toMatchObject({ code: "57P01" });
    expect(await program.finished()).toMatchObject({ exitCode: 0, error: "" });
    expect(readdirSync(folder.path).filter((name) => name.startsWith("carpool-"))).toEqual([]);
    const data = readdirSync(join(folder.path, ".carpool"));
    expect(data.filter((name) => name.endsWith(".sock"))).toEqual([]);
  });

  test("ends those who outlast the time", async () => {
    await using program = new RunningProgram(["start"], folder.path, {
      WORKERS: "3",
      SHUTDOWN_TIMEOUT: "500ms",
    });
    await program.until(READY);
    const clients = await connectAll(program);
    await Promise.all(clients.map((client) => client.query("begin")));
    const told = clients.map(ending);
    program.process.kill("SIGTERM");
    for (const error of await Promise.all(told)) expect(error).toMatchObject({ code: "57P01" });
    expect(await program.finished()).toMatchObject({ exitCode: 0 });
  });
});

/** Its workers' processes. */
function workersOf(program: RunningProgram): readonly number[] {
  const children = readFileSync(
    `/proc/${program.process.pid}/task/${program.process.pid}/children`,
  );
  return children.toString().trim().split(" ").map(Number);
}

describe.if(process.platform === "linux")("carpool start with three workers, all killed,", () => {
  test("keeps those who wait to be accepted until the workers are there again", async () => {
    await using program = await start();
    const workers = workersOf(program);
    expect(workers).toHaveLength(3);
    for (const worker of workers) process.kill(worker, "SIGKILL");
    const clients = await connectAll(program); // nobody accepts at first
    for (const client of clients) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    }
    expect(workersOf(program).filter((worker) => workers.includes(worker))).toEqual([]);
    await Promise.all(clients.map((client) => client.end()));
  });
});

describe("carpool start with three workers, on SIGHUP,", () => {
  test("reloads the settings of all workers", async () => {
    const settings = join(folder.path, "carpool.yaml");
    await writeFile(settings, "DEFAULT_TENANT: nobody\n");
    await using program = await start();
    const port = Number(/"transaction":(\d+)/.exec(program.out)?.[1]);
    expect(await rejectionOf(newClient(port, "postgres").connect())).toBeInstanceOf(Error);
    await writeFile(settings, "DEFAULT_TENANT: blue\n");
    program.process.kill("SIGHUP");
    await program.until("settings and certificates were reloaded");
    await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const client = newClient(port, "postgres");
        await client.connect();
        await client.end();
      }),
    );
  });
});
