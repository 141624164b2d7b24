import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { Client } from "pg";
import { loadConfig } from "../../src/config/load-config.ts";
import type { Config } from "../../src/config/settings.ts";
import { TlsConfigurationError } from "../../src/net/tls-contexts.ts";
import { until } from "../support/deadline.ts";
import { startPooler, type TestPooler } from "../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { rejectionOf } from "../support/rejection.ts";
import { TLS_FIXTURES } from "../support/tls-fixtures.ts";
import { testOneWorker } from "../support/workers.ts";

const PER_WORKER = "each worker has its share of MAX_CONNECTIONS";

let postgres: TestPostgres;
let pooler: TestPooler;

beforeAll(async () => {
  postgres = await startPostgres({ tls: true });
});
afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});
beforeEach(async () => {
  pooler = await startPooler(postgres);
});
afterEach(async () => {
  await pooler[Symbol.asyncDispose]();
});

/** The defaults, but for `changed`: also what the ranges of settings forbid. */
function settings(changed: Partial<Config>): Config {
  const loaded = loadConfig({ env: {}, file: null });
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  return { ...loaded.config, ...changed };
}

async function query(sql: string, target: object = {}): Promise<unknown[]> {
  const client = new Client({ ...pooler.target(), ...target });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Connections of the pooler's, as PostgreSQL counts them. */
async function servers(): Promise<number> {
  const rows = await postgres.query(
    "select count(*)::int from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()",
  );
  return Number(rows[0]?.["count"]);
}

describe("a reload", () => {
  test("gives the servers of standing pools a new SERVER_IDLE_TIMEOUT", async () => {
    await query("select 1");
    expect(await servers()).toBe(1);
    await pooler.pooler.reload(settings({ serverIdleTimeoutMs: 50 }));
    await until("the idle server is closed", async () => (await servers()) === 0);
  });

  test("gives servers a new SERVER_LIFETIME", async () => {
    await pooler.pooler.reload(settings({ serverLifetimeMs: 50 }));
    await query("select 1");
    await until("the old server is closed", async () => (await servers()) === 0);
  });

  test("gives new clients a new CLIENT_LOGIN_TIMEOUT", async () => {
    await pooler.pooler.reload(settings({ clientLoginTimeoutMs: 50 }));
    const ended = Promise.withResolvers<string>();
    let text = "";
    await Bun.connect({
      hostname: "127.0.0.1",
      port: pooler.portOf("transaction"),
      socket: {
        data: (_socket, bytes) => void (text += bytes.toString("latin1")),
        close: () => ended.resolve(text),
      },
    });
    expect(await ended.promise).toContain("FATAL");
  });

  testOneWorker(
    "leaves who is in beyond a new MAX_CONNECTIONS, and takes nobody more",
    PER_WORKER,
    async () => {
      const clients = [new Client(pooler.target()), new Client(pooler.target())];
      await Promise.all(clients.map((client) => client.connect()));
      await pooler.pooler.reload(settings({ maxConnections: 1 }));
      expect(await rejectionOf(query("select 1"))).toMatchObject({
        code: "53300",
        detail: expect.stringContaining("the limit is 1."),
      });
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const answers = await Promise.all(clients.map((client) => client.query("select 1 as one")));
      for (const { rows } of answers) expect(rows).toEqual([{ one: 1 }]);
      await pooler.pooler.reload(settings({}));
      expect(await query("select 1 as one")).toEqual([{ one: 1 }]);
      await Promise.all(clients.map((client) => client.end()));
    },
  );

  test("takes nobody more near a new MEMORY_LIMIT, and takes clients again where it is raised", async () => {
    const client = new Client(pooler.target());
    await client.connect();
    await pooler.pooler.reload(settings({ memoryLimitBytes: 1_000_000 }));
    await until(
      "new clients are refused",
      async () => String(await query("select 1").catch((error) => error.code)) === "53300",
    );
    expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    await pooler.pooler.reload(settings({}));
    await until("new clients are taken", async () => {
      const rows = await query("select 1").catch(() => []);
      return rows.length === 1;
    });
    await client.end();
  });

  test("verifies servers against a new GLOBAL_UPSTREAM_CA_PATH", async () => {
    const secured = { upstream_ssl: true, upstream_verify: "peer" };
    await pooler.putTenant({
      ...secured,
      upstream_tls_ca: await Bun.file(TLS_FIXTURES.ca).text(),
      external_id: "secured",
    });
    const target = pooler.target("transaction", "secured");
    expect(await query("select 1 as one", target)).toEqual([{ one: 1 }]);
    const globalUpstreamCaPath = TLS_FIXTURES.otherCa;
    await pooler.pooler.reload(settings({ serverConnectTimeoutMs: 300, globalUpstreamCaPath }));
    await until("servers of the old kind are closed", async () => (await servers()) === 0);
    expect(await rejectionOf(query("select 1", target))).toBeInstanceOf(Error);
  });

  test("asks for passwords by a new CLIENT_AUTH_METHOD", async () => {
    await pooler.pooler.reload(settings({ clientAuthMethod: "password" }));
    // Without TLS, a password is not asked for in clear.
    expect(await rejectionOf(query("select 1"))).toBeInstanceOf(Error);
  });

  test("bounds clients' prepared statements by a new MAX_CLIENT_PREPARED_STATEMENTS", async () => {
    await pooler.pooler.reload(settings({ maxClientPreparedStatements: 1 }));
    const client = new Client(pooler.target());
    await client.connect();
    await client.query({ name: "one", text: "select 1" });
    expect(await rejectionOf(client.query({ name: "two", text: "select 2" }))).toMatchObject({
      severity: "ERROR",
    });
    await client.end();
  });

  test("bounds clients' messages by a new MAX_MESSAGE_SIZE", async () => {
    await pooler.pooler.reload(settings({ maxMessageSizeBytes: 65_536 }));
    const client = new Client(pooler.target());
    client.on("error", () => undefined); // it is told by the query
    await client.connect();
    const tooLong = `select '${"x".repeat(70_000)}'`;
    expect(await rejectionOf(client.query(tooLong))).toBeInstanceOf(Error);
  });

  test("changes nothing where a certificate can't be read", async () => {
    const missing = {
      globalDownstreamCertPath: "/nowhere.crt",
      globalDownstreamKeyPath: "/nowhere.key",
    };
    const reloaded = pooler.pooler.reload(settings({ ...missing, defaultTenant: "dev" }));
    expect(await rejectionOf(reloaded)).toBeInstanceOf(TlsConfigurationError);
    const plain = { user: postgres.superuser };
    expect(await rejectionOf(query("select 1", plain))).toBeInstanceOf(Error);
  });
});
