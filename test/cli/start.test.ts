import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import { z } from "zod";
import { until } from "../support/deadline.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { rejectionOf } from "../support/rejection.ts";
import { type ProgramEnvironment, RunningProgram, runProgram } from "../support/running-program.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { TLS_FIXTURES } from "../support/tls-fixtures.ts";
import { testOneWorker } from "../support/workers.ts";

const READY = "carpool is ready";

const ReadyLine = z.object({
  msg: z.literal(READY),
  transaction: z.number(),
  session: z.number(),
  native: z.number(),
  http: z.number(),
});

type Ports = z.output<typeof ReadyLine>;

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

/** Starts it, and waits until it is ready. */
async function start(environment: ProgramEnvironment = {}) {
  const program = new RunningProgram(["start"], folder.path, environment);
  await program.until(READY);
  return {
    program,
    ports: readPorts(program.out),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

function readPorts(log: string): Ports {
  const line = log.split("\n").find((candidate) => candidate.includes(READY)) ?? "";
  return ReadyLine.parse(JSON.parse(line));
}

/** A client whose connection may end without being asked: {@link ending} tells why. */
function newClient(port: number, user = "postgres.blue", options: object = {}): Client {
  const client = new Client({
    host: "127.0.0.1",
    port,
    user,
    password: postgres.password,
    database: "postgres",
    ...options,
  });
  client.on("error", () => undefined); // else an error that nobody listens to fails the test
  return client;
}

/** Resolves to the error that the server ends an idle connection with. */
function ending(client: Client): Promise<unknown> {
  return new Promise((resolve) => client.once("error", resolve));
}

function writeSettings(...lines: string[]): Promise<void> {
  return writeFile(join(folder.path, "carpool.yaml"), `${lines.join("\n")}\n`);
}

async function healthStatus(port: number, path = "/api/health"): Promise<number> {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).status;
}

describe("carpool start", () => {
  test("serves the tenants of the store, and its health", async () => {
    await using carpool = await start();
    for (const mode of ["transaction", "session", "native"] as const) {
      const client = newClient(carpool.ports[mode]);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await client.connect();
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      await client.end();
    }
    expect(await healthStatus(carpool.ports.http)).toBe(204);
    expect(await healthStatus(carpool.ports.http, "/api/health/live")).toBe(204);
    expect(await healthStatus(carpool.ports.http, "/nowhere")).toBe(404);
  });

  test("logs text for people with LOG_FORMAT=text, and no password even at debug", async () => {
    await using program = new RunningProgram(["start"], folder.path, {
      LOG_FORMAT: "text",
      LOG_LEVEL: "debug",
    });
    const log = await program.until(READY);
    expect(log).toMatch(/^\S+Z INFO {2}carpool is ready transaction=\d+/m);
    const client = newClient(Number(/transaction=(\d+)/.exec(log)?.[1]), "postgres.blue", {
      password: "a wrong password",
    });
    expect(await rejectionOf(client.connect())).toMatchObject({ code: "28P01" });
    await program.until("login refused");
    expect(program.out).not.toContain(postgres.password);
    expect(program.out).not.toContain("a wrong password");
  });

  test.each(["PROXY_PORT_TRANSACTION", "PROXY_PORT_SESSION", "PROXY_PORT_NATIVE", "PORT"])(
    "fails with the setting's name where the port of %s is taken",
    async (setting) => {
      const taken = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
      const { exitCode, error } = await runProgram(["start"], folder.path, {
        [setting]: String(taken.port),
      });
      taken.stop();
      expect(exitCode).toBe(1);
      expect(error).toContain(`error: ${setting}: port ${taken.port} on 127.0.0.1 is taken`);
      expect(error).toContain(`${setting}=PORT`);
    },
  );

  test("fails where an address is none of this machine's", async () => {
    const { exitCode, error } = await runProgram(["start"], folder.path, {
      LISTEN_ADDRESS: "192.0.2.1",
    });
    expect(exitCode).toBe(1);
    expect(error).toContain("LISTEN_ADDRESS");
    expect(error).not.toContain("    at "); // no stack
  });

  test("fails where the settings are not in order", async () => {
    const { exitCode, error } = await runProgram(["start"], folder.path, {
      MAX_CONNECTIONS: "1000000",
      LOG_LEVEL: "loud",
    });
    expect(exitCode).toBe(1);
    expect(error).toContain("LOG_LEVEL");
  });

  test("fails where more clients are wanted than the process may open descriptors", async () => {
    const limited = Bun.spawn(
      [
        "sh",
        "-c",
        'ulimit -n 512; exec "$0" "$@"',
        process.execPath,
        join(import.meta.dir, "../../src/cli/main.ts"),
        "start",
      ],
      {
        cwd: folder.path,
        env: { PATH: process.env["PATH"], MAX_CONNECTIONS: "512", WORKERS: "1" },
        stdout: "ignore",
        stderr: "pipe",
      },
    );
    expect(await new Response(limited.stderr).text()).toContain("RLIMIT_NOFILE");
    expect(await limited.exited).toBe(1);
  });
});

describe("carpool start, told to stop,", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "sends idle clients away with 57P01 and ends with 0 on %s",
    async (signal) => {
      await using carpool = await start();
      const client = newClient(carpool.ports.transaction);
      const inSession = newClient(carpool.ports.session);
      await Promise.all([client.connect(), inSession.connect()]);
      await inSession.query("select 1");
      const endings = [ending(client), ending(inSession)];
      carpool.program.process.kill(signal);
      for (const error of await Promise.all(endings))
        expect(error).toMatchObject({ code: "57P01" });
      const { exitCode, out } = await carpool.program.finished();
      expect(exitCode).toBe(0);
      expect(out).toContain('"msg":"stopped"');
    },
  );

  test.each(["transaction", "session"] as const)(
    "lets a transaction commit in %s mode, while new clients are refused and health says 503",
    async (mode) => {
      await using carpool = await start();
      const client = newClient(carpool.ports[mode]);
      await client.connect();
      await client.query("begin");
      carpool.program.process.kill("SIGTERM");
      await carpool.program.until("stopping");
      // Who comes while the sockets are being closed may still be reset.
      await until("new clients are refused", async () =>
        String(await rejectionOf(newClient(carpool.ports[mode]).connect())).includes(
          "ECONNREFUSED",
        ),
      );
      expect(await healthStatus(carpool.ports.http)).toBe(503);
      expect(await healthStatus(carpool.ports.http, "/api/health/live")).toBe(204);
      expect((await client.query("select 2 as two")).rows).toEqual([{ two: 2 }]);
      const ended = ending(client);
      expect((await client.query("commit")).command).toBe("COMMIT");
      expect(await ended).toMatchObject({ code: "57P01" });
      expect((await carpool.program.finished()).exitCode).toBe(0);
    },
  );

  test("ends a transaction that outlasts SHUTDOWN_TIMEOUT", async () => {
    await using carpool = await start({ SHUTDOWN_TIMEOUT: "200ms" });
    const client = newClient(carpool.ports.transaction);
    await client.connect();
    await client.query("begin");
    const ended = ending(client);
    carpool.program.process.kill("SIGTERM");
    expect(await ended).toMatchObject({ code: "57P01" });
    expect((await carpool.program.finished()).exitCode).toBe(0);
  });

  test("takes the same signal twice, as npm and a terminal send it, for one", async () => {
    await using carpool = await start();
    const client = newClient(carpool.ports.transaction);
    await client.connect();
    await client.query("begin");
    carpool.program.process.kill("SIGINT");
    carpool.program.process.kill("SIGINT");
    await carpool.program.until("stopping");
    expect((await client.query("commit")).command).toBe("COMMIT");
    expect((await carpool.program.finished()).exitCode).toBe(0);
  });

  test("ends at once on a later second signal, and says with which", async () => {
    await using carpool = await start();
    const client = newClient(carpool.ports.transaction);
    await client.connect();
    await client.query("begin");
    carpool.program.process.kill("SIGTERM");
    await carpool.program.until("stopping");
    await until("a second signal ends it", () => {
      carpool.program.process.kill("SIGTERM");
      const { exitCode, signalCode } = carpool.program.process;
      return exitCode !== null || signalCode !== null;
    });
    expect((await carpool.program.finished()).exitCode).toBe(128 + 15);
  });
});

describe("carpool start, on SIGHUP,", () => {
  const RELOADED = "settings and certificates were reloaded";

  test("takes a new DEFAULT_TENANT, and names what waits for a restart", async () => {
    await using carpool = await start();
    const plain = () => newClient(carpool.ports.transaction, "postgres");
    expect(await rejectionOf(plain().connect())).toBeInstanceOf(Error);
    await writeSettings("default_tenant: blue", "log_format: text");
    carpool.program.process.kill("SIGHUP");
    const log = await carpool.program.until(RELOADED);
    expect(log).toContain('"afterRestart":"LOG_FORMAT"');
    const client = plain();
    await client.connect();
    await client.end();
  });

  test("takes a new LOG_LEVEL", async () => {
    await using carpool = await start();
    await writeSettings("log_level: error");
    carpool.program.process.kill("SIGHUP");
    // The line that tells of the reload is of level info, hence silent: 127.0.0.1 refuses whom it can't name.
    await until("refused logins are logged no more", async () => {
      const before = carpool.program.out;
      await rejectionOf(newClient(carpool.ports.transaction, "nobody.nowhere").connect());
      await healthStatus(carpool.ports.http);
      return carpool.program.out === before;
    });
  });

  testOneWorker(
    "takes a new MAX_CONNECTIONS",
    "of a limit below what is open, each has its share",
    async () => {
      await using carpool = await start();
      const clients = [newClient(carpool.ports.transaction), newClient(carpool.ports.transaction)];
      await clients[0]?.connect();
      await writeSettings("max_connections: 1");
      carpool.program.process.kill("SIGHUP");
      await carpool.program.until(RELOADED);
      expect(await rejectionOf(clients[1]?.connect() ?? Promise.resolve())).toMatchObject({
        code: "53300",
      });
      await clients[0]?.end();
    },
  );

  test("begins to offer TLS, then shows the renewed certificate", async () => {
    const [certificate, key] = ["server.crt", "server.key"].map((name) => join(folder.path, name));
    const install = async (pair: { readonly certificate: string; readonly key: string }) => {
      await copyFile(pair.certificate, String(certificate));
      await copyFile(pair.key, String(key));
    };
    await install(TLS_FIXTURES.server);
    await using carpool = await start();
    const ssl = { ca: await Bun.file(TLS_FIXTURES.ca).text() };
    const connectSecured = async () => {
      const client = newClient(carpool.ports.transaction, "postgres.blue", { ssl });
      await client.connect();
      await client.end();
    };
    expect(await rejectionOf(connectSecured())).toBeInstanceOf(Error);
    await writeSettings(
      "global_downstream_cert_path: server.crt",
      "global_downstream_key_path: server.key",
    );
    carpool.program.process.kill("SIGHUP");
    await carpool.program.until(RELOADED);
    await connectSecured();
  });

  test("goes on with what it has where the new settings are wrong", async () => {
    await using carpool = await start({ DEFAULT_TENANT: "blue" });
    await writeSettings("server_idle_timeout: soon");
    carpool.program.process.kill("SIGHUP");
    const log = await carpool.program.until("settings were not reloaded");
    expect(log).toContain("SERVER_IDLE_TIMEOUT");
    const client = newClient(carpool.ports.transaction, "postgres");
    await client.connect();
    await client.end();
  });
});
