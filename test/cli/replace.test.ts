import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import { z } from "zod";
import { eventually } from "../support/eventually.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { rejectionOf } from "../support/rejection.ts";
import { type ProgramEnvironment, RunningProgram, runProgram } from "../support/running-program.ts";
import { sendCancelRequest } from "../support/send-cancel-request.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const READY = "carpool is ready";

const ReadyLine = z.object({
  msg: z.literal(READY),
  transaction: z.number(),
  session: z.number(),
  native: z.number(),
  http: z.number(),
});

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

async function start(args: readonly string[], environment: ProgramEnvironment = {}) {
  const program = new RunningProgram(["start", ...args], folder.path, {
    SHUTDOWN_TIMEOUT: "2s",
    ...environment,
  });
  const line = await lineWith(program, READY);
  return {
    program,
    ports: ReadyLine.parse(JSON.parse(line)),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/** Returns the line of the log that has these words in it, once it is there. */
async function lineWith(program: RunningProgram, words: string): Promise<string> {
  const log = await program.until(words);
  return log.split("\n").find((line) => line.includes(words)) ?? "";
}

async function connect(port: number): Promise<Client> {
  const client = new Client({
    host: "127.0.0.1",
    port,
    user: "postgres.blue",
    password: postgres.password,
    database: "postgres",
  });
  client.on("error", () => undefined); // else an error that nobody listens to fails the test
  await client.connect();
  return client;
}

/** Resolves to the error that the server ends an idle connection with. */
function ending(client: Client): Promise<unknown> {
  return new Promise((resolve) => client.once("error", resolve));
}

describe("carpool start --replace", () => {
  test("takes ports and idle clients over, and the one before ends when the others are gone", async () => {
    await using before = await start([]);
    const idle = await connect(before.ports.transaction);
    const inSession = await connect(before.ports.session);
    const told = ending(inSession);
    await using after = await start(["--replace"]);
    expect(after.ports).toEqual(before.ports);
    expect(await told).toMatchObject({ code: "57P01" });
    expect(await before.program.finished()).toMatchObject({ exitCode: 0, error: "" });
    expect((await idle.query("select 2 as two")).rows).toEqual([{ two: 2 }]);
    await idle.end();
    const client = await connect(after.ports.transaction);
    expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await client.end();
    expect((await fetch(`http://127.0.0.1:${after.ports.http}/api/health`)).status).toBe(204);
  });

  test("lets a transaction of the one before commit, and takes its client over behind it", async () => {
    await using before = await start([]);
    const client = await connect(before.ports.transaction);
    await client.query("begin");
    await client.query("create table kept (id int)");
    await using after = await start(["--replace"]);
    await before.program.until("replaced: another process takes the clients");
    await client.query("insert into kept values (7)");
    await client.query("commit");
    expect(await before.program.finished()).toMatchObject({ exitCode: 0, error: "" });
    expect((await client.query("select id from kept")).rows).toEqual([{ id: 7 }]);
    await client.query("drop table kept");
    await client.end();
    await (await connect(after.ports.transaction)).end();
  });

  test("takes clients over with what they have set and prepared", async () => {
    await using before = await start([]);
    const client = await connect(before.ports.transaction);
    await client.query("set application_name to 'mine'");
    const sum = { name: "sum", text: "select $1::int + 1 as sum" };
    expect((await client.query({ ...sum, values: [1] })).rows).toEqual([{ sum: 2 }]);
    await using after = await start(["--replace"]);
    expect(await before.program.finished()).toMatchObject({ exitCode: 0, error: "" });
    expect((await client.query({ ...sum, values: [2] })).rows).toEqual([{ sum: 3 }]);
    const shown = await client.query("show application_name");
    expect(shown.rows).toEqual([{ application_name: "mine" }]);
    await client.end();
    await (await connect(after.ports.transaction)).end();
  });

  test("takes clients over that have prepared a lot, but for those with too much", async () => {
    await using before = await start([]);
    const clients = await Promise.all(
      Array.from({ length: 40 }, () => connect(before.ports.transaction)),
    );
    const query = { name: "long", text: `select 1 as one /* ${"long ".repeat(8000)} */` };
    const more = { name: "longer", text: `select 2 as two /* ${"longer".repeat(8000)} */` };
    await Promise.all(clients.map((client) => client.query(query)));
    const told = Promise.all(clients.slice(30).map(ending));
    await Promise.all(clients.slice(30).map((client) => client.query(more)));
    await using after = await start(["--replace"]);
    for (const error of await told) expect(error).toMatchObject({ code: "57P01" });
    expect(await before.program.finished()).toMatchObject({ exitCode: 0, error: "" });
    const kept = clients.slice(0, 30);
    const answers = await Promise.all(kept.map((client) => client.query(query)));
    for (const { rows } of answers) expect(rows).toEqual([{ one: 1 }]);
    await Promise.all(kept.map((client) => client.end()));
    await (await connect(after.ports.transaction)).end();
  });

  test("has the one before cancel its clients' queries, whose CancelRequests come to the new one", async () => {
    await using before = await start([], { SHUTDOWN_TIMEOUT: "30s" });
    const client = await connect(before.ports.transaction);
    const { processID: processId, secretKey } = z
      .object({ processID: z.number(), secretKey: z.number() })
      .parse(client);
    const slept = rejectionOf(client.query("select pg_sleep(60)"));
    await using after = await start(["--replace"]);
    await lineWith(before.program, "replaced: another process takes the clients");
    const key = {
      processId,
      secretKey: new Uint8Array(new Int32Array([secretKey]).buffer).toReversed(),
    };
    await eventually(async () => {
      await sendCancelRequest({ host: "127.0.0.1", port: after.ports.transaction }, key);
      expect(before.program.process.exitCode).toBe(0); // it has no client any more
    });
    expect(await slept).toMatchObject({ code: "57014" });
    const again = rejectionOf(client.query("select pg_sleep(60)"));
    let isOver = false;
    void again.then(() => (isOver = true));
    await eventually(async () => {
      await sendCancelRequest({ host: "127.0.0.1", port: after.ports.transaction }, key);
      expect(isOver).toBeTrue();
    });
    expect(await again).toMatchObject({ code: "57014" });
    await client.end();
  });

  test("starts as always where nobody runs", async () => {
    await using carpool = await start(["--replace"]);
    expect(carpool.program.out).toContain("there is no running Carpool to replace");
    await (await connect(carpool.ports.session)).end();
  });

  test("starts where the one before was killed, and left its socket behind", async () => {
    const killed = await start([]);
    await killed[Symbol.asyncDispose]();
    await using carpool = await start(["--replace"]);
    await (await connect(carpool.ports.session)).end();
    await using next = await start(["--replace"]);
    expect(next.ports).toEqual(carpool.ports);
  });

  test("replaces one that has replaced another", async () => {
    await using first = await start([]);
    await using second = await start(["--replace"]);
    await first.program.finished();
    await using third = await start(["--replace"]);
    expect(third.ports).toEqual(first.ports);
    expect(await second.program.finished()).toMatchObject({ exitCode: 0 });
    await (await connect(third.ports.transaction)).end();
  });

  test("fails without it, and the setting's name, where the ports are taken", async () => {
    await using running = await start([]);
    const port = String(running.ports.transaction);
    const { exitCode, error } = await runProgram(["start"], folder.path, {
      PROXY_PORT_TRANSACTION: port,
    });
    expect(exitCode).toBe(1);
    expect(error).toContain(`PROXY_PORT_TRANSACTION: port ${port} on 127.0.0.1 is taken`);
    await (await connect(running.ports.transaction)).end();
  });

  test("leaves the one before as it was where it can't start itself", async () => {
    await using running = await start([]);
    const idle = await connect(running.ports.transaction);
    const taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const { exitCode, error } = await runProgram(["start", "--replace"], folder.path, {
      PORT: String(taken.port),
    });
    taken.stop();
    expect(exitCode).toBe(1);
    expect(error).toContain(`PORT: port ${taken.port} on 127.0.0.1 is taken`);
    expect((await idle.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await (await connect(running.ports.transaction)).end();
    await idle.end();
    await using after = await start(["--replace"]); // and it can be replaced by a better one
    expect(after.ports).toEqual(running.ports);
  });

  test("refuses to replace one that stops", async () => {
    await using running = await start([]);
    const client = await connect(running.ports.transaction);
    await client.query("begin");
    running.program.process.kill("SIGTERM");
    await running.program.until("told to stop");
    const { exitCode, error } = await runProgram(["start", "--replace"], folder.path);
    expect({ exitCode, error }).toMatchObject({
      exitCode: 1,
      error: "error: the running Carpool is not replaced: it is stopping. It serves on\n",
    });
    await client.end();
  });

  test("is what SIGUSR2 does", async () => {
    const before = await start([]);
    before.program.process.kill("SIGUSR2");
    const line = await lineWith(before.program, "replaced: another process takes the clients");
    const successor = z.object({ successor: z.number() }).parse(JSON.parse(line)).successor;
    expect(await before.program.process.exited).toBe(0);
    try {
      await (await connect(before.ports.transaction)).end();
      expect(successor).not.toBe(before.program.process.pid);
    } finally {
      process.kill(successor, "SIGTERM");
    }
    await before.program.finished(); // their output ends with both of them
  });

  test("says so where the next version does not start, and serves on", async () => {
    await using running = await start([]);
    await writeFile(join(folder.path, "carpool.yaml"), "MAX_CONNECTIONS: none\n");
    running.program.process.kill("SIGUSR2");
    await running.program.until("the next version has ended: this one serves on");
    await (await connect(running.ports.transaction)).end();
  });

  test("leaves nothing behind", async () => {
    const before = await start([]);
    const after = await start(["--replace"]);
    await before.program.finished();
    after.program.process.kill("SIGTERM");
    expect(await after.program.finished()).toMatchObject({ exitCode: 0, error: "" });
    const data = readdirSync(join(folder.path, ".carpool"));
    expect(data.filter((name) => name.startsWith("takeover"))).toEqual([]);
    expect(readdirSync(folder.path).filter((name) => name.startsWith("carpool-"))).toEqual([]);
  });

  test("keeps its socket for its own user", async () => {
    await using carpool = await start([]);
    const socket = join(folder.path, ".carpool/takeover.sock");
    const { stdout } = Bun.spawnSync(["stat", "-c", "%a %F", socket]);
    expect(stdout.toString().trim()).toBe("600 socket");
    carpool.program.process.kill("SIGTERM");
    await carpool.program.finished();
    expect(existsSync(socket)).toBe(false);
  });

  test("warns where another Carpool with the same data runs on other ports", async () => {
    await using first = await start([]);
    await using second = await start([]);
    expect(second.program.out).toContain("another Carpool has this folder");
    await using after = await start(["--replace"]);
    expect(after.ports).toEqual(first.ports);
    await (await connect(second.ports.transaction)).end();
  });
});
