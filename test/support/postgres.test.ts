import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { Client } from "pg";
import { startPostgres, type TestPostgres } from "./postgres.ts";
import { isProcessAlive } from "./process-alive.ts";
import { psqlPath, runPsql } from "./psql.ts";
import { rejectionOf } from "./rejection.ts";
import { TLS_FIXTURES } from "./tls-fixtures.ts";

/** Connects over TLS as libpq does with sslmode=verify-full, trusting `authority`. */
async function connectWithTls(server: TestPostgres, authority: string): Promise<unknown> {
  const client = new Client({
    connectionString: server.connectionString(),
    ssl: { ca: await Bun.file(authority).text(), servername: "localhost" },
  });
  await client.connect();
  try {
    const { rows } = await client.query<{ ssl: boolean }>(
      "select ssl from pg_stat_ssl where pid = pg_backend_pid()",
    );
    return rows[0]?.ssl;
  } finally {
    await client.end();
  }
}

describe("a PostgreSQL for tests", () => {
  test("leaves nothing behind, and shares nothing with another", async () => {
    const [one, other] = await Promise.all([startPostgres(), startPostgres()]);
    await one.query("create table only_here (n int); insert into only_here values (1), (2)");
    expect(await one.query("select n from only_here where n > $1", [1])).toEqual([{ n: 2 }]);
    expect(await rejectionOf(other.query("select n from only_here"))).toMatchObject({
      code: "42P01",
    });
    const folder = dirname(String((await one.query("show data_directory"))[0]?.["data_directory"]));
    expect(existsSync(folder)).toBe(true);
    await Promise.all([one.stop(), other.stop()]);
    expect(existsSync(folder)).toBe(false);
    expect(isProcessAlive(one.processId)).toBe(false);
  });

  test("starts in either version, with settings", async () => {
    await using older = await startPostgres({ version: 15, settings: { work_mem: "5MB" } });
    expect(older.majorVersion).toBe(15);
    expect(await older.query("show work_mem")).toEqual([{ work_mem: "5MB" }]);
  });

  test("keeps its data and its port while it is shut down", async () => {
    await using server = await startPostgres();
    const { port } = server;
    await server.query("create table kept (n int)");
    await server.shutDown();
    expect(await rejectionOf(server.query("select 1"))).toMatchObject({ code: "ECONNREFUSED" });
    await server.start();
    expect(server.port).toBe(port);
    expect(await server.query("select n from kept")).toEqual([]);
  });

  test("takes the lines of pg_hba.conf it is given", async () => {
    await using server = await startPostgres({
      hba: ["host all trusted all trust", "host all refused all reject", "host all all all md5"],
    });
    await server.query("create role trusted login; create role refused login");
    await server.query("select 1", undefined, { user: "trusted", password: "whatever" });
    const refused = server.query("select 1", undefined, { user: "refused" });
    expect(await rejectionOf(refused)).toMatchObject({ code: "28000" });
  });
});

describe("a PostgreSQL for tests with TLS", () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await startPostgres({ tls: true });
  });
  afterAll(async () => {
    await server.stop();
  });

  test("shows a certificate of the test authority", async () => {
    expect(await connectWithTls(server, TLS_FIXTURES.ca)).toBe(true);
  });

  test("is refused by who trusts another authority", async () => {
    expect(String(await rejectionOf(connectWithTls(server, TLS_FIXTURES.otherCa)))).toContain(
      "certificate",
    );
  });

  test("is refused by who checks the host, when its certificate is for elsewhere", async () => {
    await using elsewhere = await startPostgres({ tls: TLS_FIXTURES.wrongHost });
    expect(String(await rejectionOf(connectWithTls(elsewhere, TLS_FIXTURES.ca)))).toContain(
      "altnames",
    );
  });

  test.skipIf(psqlPath() === null)("lets psql in (needs psql on PATH)", async () => {
    const url = `${server.connectionString()}?sslmode=verify-full&sslrootcert=${TLS_FIXTURES.ca}`;
    expect(await runPsql(url, "-c", "select 1 + 1")).toMatchObject({ stdout: "2", exitCode: 0 });
    const wrong = await runPsql(url.replace(server.password, "a guess"), "-c", "select 1");
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toContain("password authentication failed");
  });
});
