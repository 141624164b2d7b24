import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import {
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from "../../../src/app/embedded/embedded-postgres.ts";
import { locateBinaries } from "../../../src/app/embedded/postgres-binaries.ts";
import { EmbeddedPostgresError } from "../../../src/app/embedded/postgres-error.ts";
import { findFreePort } from "../../../src/app/listening/free-port.ts";
import { isProcessAlive } from "../../support/process-alive.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";

const SECOND_PACKAGE = "embedded-postgres-15";
let folder: TemporaryFolder;

beforeAll(async () => {
  folder = await makeTemporaryFolder();
  await (await startEmbeddedPostgres(optionsFor("made-before"))).stop();
});
afterAll(async () => {
  await folder.remove();
});

function optionsFor(
  name: string,
  changes: Partial<EmbeddedPostgresOptions> = {},
): EmbeddedPostgresOptions {
  return {
    binariesDirectory: locateBinaries("embedded-postgres"),
    stagingDirectory: join(folder.path, "staging"),
    dataDirectory: join(folder.path, name),
    port: 0,
    user: "owner",
    password: "it's a secret",
    initdbArguments: ["--no-sync"],
    ...changes,
  };
}

/** The same, with a cluster that needs no initdb any more. */
function madeCluster(
  name: string,
  changes: Partial<EmbeddedPostgresOptions> = {},
): EmbeddedPostgresOptions {
  const options = optionsFor(name, changes);
  Bun.spawnSync(["cp", "-a", join(folder.path, "made-before"), options.dataDirectory]);
  return options;
}

async function ask(port: number, sql: string, password = "it's a secret"): Promise<unknown> {
  const client = new Client({
    host: "127.0.0.1",
    port,
    user: "owner",
    password,
    database: "postgres",
  });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return Object.values(rows[0] ?? {})[0];
  } finally {
    await client.end();
  }
}

/** Returns what a start was refused with. Fails if it wasn't. */
async function refusalOf(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgresError> {
  const refusal = await rejectionOf(startEmbeddedPostgres(options));
  if (refusal instanceof EmbeddedPostgresError) return refusal;
  throw refusal;
}

describe("an embedded PostgreSQL", () => {
  for (const [packageName, majorVersion] of [
    ["embedded-postgres", 18],
    [SECOND_PACKAGE, 15],
  ] as const) {
    test(`makes a cluster of version ${majorVersion}, finds it again, and keeps its data`, async () => {
      const options = optionsFor(`kept-${majorVersion}`, {
        binariesDirectory: locateBinaries(packageName),
      });
      const first = await startEmbeddedPostgres(options);
      expect(first.majorVersion).toBe(majorVersion);
      await ask(first.port, "create table kept as select 42 as answer");
      await first.stop();

      const second = await startEmbeddedPostgres(options);
      expect(await ask(second.port, "select answer from kept")).toBe(42);
      expect(await ask(second.port, "show server_version_num")).toStartWith(String(majorVersion));
      await second.stop();
    });
  }

  test("keeps what was committed before an immediate shutdown: fsync stays on", async () => {
    const options = madeCluster("durable");
    const first = await startEmbeddedPostgres(options);
    expect(await ask(first.port, "show fsync")).toBe("on");
    await ask(first.port, "create table kept as select 43 as answer");
    await first.stop("immediate");
    const second = await startEmbeddedPostgres(options);
    expect(await ask(second.port, "select answer from kept")).toBe(43);
    await second.stop();
  });

  test("lets nobody in with a wrong password", async () => {
    const server = await startEmbeddedPostgres(madeCluster("locked"));
    expect(await rejectionOf(ask(server.port, "select 1", "a guess"))).toMatchObject({
      code: "28P01",
    });
    expect(await ask(server.port, "select 1")).toBe(1);
    await server.stop();
  });

  test("takes settings, and the port it is given", async () => {
    const port = findFreePort();
    const settings = { max_connections: "17", "app.motto": "a 'quoted' one" };
    const server = await startEmbeddedPostgres(madeCluster("settings", { port, settings }));
    expect(server.port).toBe(port);
    expect(await ask(port, "show max_connections")).toBe("17");
    expect(await ask(port, "show app.motto")).toBe("a 'quoted' one");
    await server.stop();
  });

  test("leaves no process, and no password behind", async () => {
    const server = await startEmbeddedPostgres(optionsFor("gone"));
    await server.stop();
    expect(await server.exited).toBe(0);
    expect(isProcessAlive(server.processId)).toBe(false);
    const files = (await readdir(folder.path)).filter((name) => name.startsWith("gone"));
    expect(files.toSorted()).toEqual(["gone", "gone.log"]);
    await server.stop(); // a second time: nothing to do
  });

  test("stops although a client is in the middle of a query", async () => {
    const server = await startEmbeddedPostgres(madeCluster("busy"));
    const sleeper = ask(server.port, "select pg_sleep(3600)").catch((error: unknown) => error);
    while ((await ask(server.port, SLEEPERS)) !== "1") {} // oxlint-disable-line no-await-in-loop -- a poll
    await server.stop();
    expect(await sleeper).toMatchObject({ code: "57P01" });
  });

  test("is stopped when its parent is killed outright", async () => {
    const parent = Bun.spawn(
      [process.execPath, join(import.meta.dir, "../../support/start-and-wait.ts"), folder.path],
      { stdin: "ignore", stdout: "pipe", stderr: "inherit" },
    );
    const reader = parent.stdout.getReader();
    const { value } = await reader.read();
    const processId = Number(new TextDecoder().decode(value));
    expect(isProcessAlive(processId)).toBe(true);
    parent.kill("SIGKILL");
    await parent.exited;
    const log = Bun.file(join(folder.path, "orphan.log"));
    // Not our child, so that no event tells; the log's last line does.
    // oxlint-disable-next-line no-await-in-loop -- a poll
    while (!(await log.text()).endsWith("database system is shut down\n")) await Bun.sleep(5);
    expect(await log.text()).toContain("received fast shutdown request");
  });
});

const SLEEPERS = "select count(*) from pg_stat_activity where query = 'select pg_sleep(3600)'";

describe("an embedded PostgreSQL refuses", () => {
  test("a data directory of another major version, and names both", async () => {
    const binariesDirectory = locateBinaries(SECOND_PACKAGE);
    const refusal = await refusalOf(madeCluster("other-major", { binariesDirectory }));
    expect(refusal.message).toContain("was made by PostgreSQL 18");
    expect(refusal.message).toContain("PostgreSQL 15 can't use it");
  });

  test("a data directory that another server uses", async () => {
    const server = await startEmbeddedPostgres(madeCluster("shared"));
    const refusal = await refusalOf(optionsFor("shared"));
    expect(refusal.logTail).toContain(`PID ${server.processId}`);
    expect(await ask(server.port, "select 1")).toBe(1);
    await server.stop();
  });

  test("a port that is taken", async () => {
    const listener = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const refusal = await refusalOf(madeCluster("taken", { port: listener.port }));
    expect(refusal.message).toContain(`port ${listener.port}`);
    expect(refusal.logTail).toContain("Address already in use");
    listener.stop(true);
  });

  test("a setting that PostgreSQL doesn't know, quoting only this start's log", async () => {
    const good = madeCluster("misset");
    await (await startEmbeddedPostgres(good)).stop();
    const refusal = await refusalOf({ ...good, settings: { share_buffers: "1GB" } });
    expect(refusal.logTail).toContain('"share_buffers"');
    expect(refusal.logTail).not.toContain("database system is shut down");
  });

  test("a data directory with something else in it, which it leaves alone", async () => {
    const options = optionsFor("photos");
    await mkdir(options.dataDirectory);
    await writeFile(join(options.dataDirectory, "holiday.jpg"), "");
    const refusal = await refusalOf(options);
    expect(refusal.message).toContain("neither empty nor a PostgreSQL cluster");
    expect(await readdir(options.dataDirectory)).toEqual(["holiday.jpg"]);
  });

  test("initdb arguments that initdb refuses, and leaves no half-made cluster", async () => {
    const options = optionsFor("never", { initdbArguments: ["--no-such-option"] });
    const refusal = await refusalOf(options);
    expect(refusal.logTail).toContain("--no-such-option");
    const files = (await readdir(folder.path)).filter((name) => name.startsWith("never"));
    expect(files).toEqual([]);
  });

  test("a directory without PostgreSQL", async () => {
    const empty = join(folder.path, "empty");
    await mkdir(join(empty, "bin"), { recursive: true });
    await writeFile(
      join(empty, "bin", "postgres"),
      "#!/bin/sh\necho 'no such library' >&2; exit 127\n",
    );
    await chmod(join(empty, "bin", "postgres"), 0o755);
    const refusal = await refusalOf(optionsFor("homeless", { binariesDirectory: empty }));
    expect(refusal.message).toContain("doesn't run");
    expect(refusal.logTail).toBe("no such library");
    expect(existsSync(join(folder.path, "homeless"))).toBe(false);
  });
});
