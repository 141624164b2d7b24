/**
 * One pgbouncer.ini, two poolers: the same connection strings lead to the same role and database through
 * PgBouncer and through a Carpool that has imported its files.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chown, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import {
  freePort,
  portAnswers,
  SpawnedServer,
  unprivilegedAccount,
} from "../../../bench/spawned-server.ts";
import { importPgBouncer } from "../../../src/control/import/import-pgbouncer.ts";
import { renderRemarks } from "../../../src/control/import/import-remark.ts";
import { startPooler, type TestPooler } from "../../support/pooler.ts";
import { startPostgres, type TestPostgres } from "../../support/postgres.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";

const PGBOUNCER = Bun.env["PGBOUNCER"] ?? Bun.which("pgbouncer", { PATH: programPath() });

let postgres: TestPostgres;
let folder: TemporaryFolder;
let carpool: TestPooler;
let pgbouncer: SpawnedServer | null = null;
let pgbouncerPort = 0;

beforeAll(async () => {
  // `md5` asks for SCRAM where the role has a SCRAM verifier.
  postgres = await startPostgres({ hba: ["local all all md5", "host all all all md5"] });
  await createRoles();
  folder = await makeTemporaryFolder();
  pgbouncerPort = freePort();
  const ini = await writeConfiguration();
  const imported = importPgBouncer({
    file: "pgbouncer.ini",
    text: ini,
    readText: () => userlist,
    withoutHba: false,
    context: { globalUpstreamCa: false },
  });
  if (!imported.ok) throw new Error(renderRemarks(imported.remarks));
  const settings = [...imported.settings].filter(([name]) => !name.startsWith("PROXY_PORT"));
  carpool = await startPooler(postgres, { env: Object.fromEntries(settings) });
  await carpool.store.write(imported.tenants.map((tenant) => ({ kind: "put", tenant })));
  if (PGBOUNCER !== null) await startPgBouncer(PGBOUNCER);
});

afterAll(async () => {
  await pgbouncer?.[Symbol.asyncDispose]();
  await carpool[Symbol.asyncDispose]();
  await folder.remove();
  await postgres[Symbol.asyncDispose]();
});

let userlist = "";

/** Debian's place for it is on few people's PATH. */
function programPath(): string {
  return `${Bun.env["PATH"] ?? ""}:/usr/sbin:/usr/local/sbin`;
}

async function createRoles(): Promise<void> {
  await postgres.query("create database shop_production");
  await postgres.query("create database reports_old");
  await postgres.query("create role plain login password 'plain-password'");
  await postgres.query("create role scram login password 'scram-password'");
  await postgres.query("create role asker superuser login password 'asker-password'");
  await postgres.query("create role unlisted login password 'unlisted-password'");
  await postgres.query("create role expired login password 'x' valid until '2001-01-01'");
  await postgres.query("create role owner login password 'owner-password'");
  await postgres.query(
    "set password_encryption = md5; create role hashed login password 'md5-password'",
  );
}

/** As in a PgBouncer in use: secrets of all three kinds, forced users, a wildcard. */
async function writeConfiguration(): Promise<string> {
  const rows = await postgres.query(
    "select rolname, rolpassword from pg_authid where rolname in ('scram', 'hashed') order by 1 desc",
  );
  const verifiers = rows.map(
    ({ rolname, rolpassword }) => `"${String(rolname)}" "${String(rolpassword)}"`,
  );
  const plain = ["plain", "owner", "asker"].map((name) => `"${name}" "${name}-password"`);
  userlist = [...verifiers, ...plain, '"same" "owner-password"'].join("\n");
  const file = await give("userlist.txt", userlist);
  const host = `host=127.0.0.1 port=${postgres.port}`;
  const ini = `
[databases]
shop = ${host} dbname=shop_production
reports = ${host} dbname='reports_old' pool_size=3
forced = ${host} dbname=shop_production user=owner password=owner-password
queried = ${host} dbname=reports_old auth_user=asker
* = ${host}
[users]
plain = max_user_connections=50
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${pgbouncerPort}
unix_socket_dir =
auth_type = md5
auth_file = ${file}
pool_mode = transaction
max_client_conn = 200
server_idle_timeout = 30
`;
  await give("pgbouncer.ini", ini);
  return ini;
}

/** PgBouncer does not run as root. */
async function give(name: string, text: string): Promise<string> {
  const path = join(folder.path, name);
  await writeFile(path, text, { mode: 0o600 });
  const account = unprivilegedAccount();
  if (account !== null) {
    await chown(folder.path, account.uid, account.gid);
    await chown(path, account.uid, account.gid);
  }
  return path;
}

async function startPgBouncer(program: string): Promise<void> {
  const logPath = join(folder.path, "pgbouncer.log");
  try {
    pgbouncer = await SpawnedServer.start({
      argv: [program, join(folder.path, "pgbouncer.ini")],
      isUp: () => portAnswers(pgbouncerPort),
      logPath,
      stopSignal: "SIGTERM",
      account: unprivilegedAccount(),
    });
  } catch (error) {
    throw new Error(await readFile(logPath, "utf8").catch(() => "no log"), { cause: error });
  }
}

interface Names {
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** Who and where a client is with this connection string, by its server's own words. */
async function placeOf({ user, password, database }: Names, port: number) {
  const client = new Client(`postgres://${user}:${password}@127.0.0.1:${port}/${database}`);
  await client.connect();
  try {
    const { rows } = await client.query<{ place: string }>(
      "select concat_ws(' ', current_user, current_database()) as place",
    );
    return rows[0]?.place;
  } finally {
    await client.end();
  }
}

const STRINGS = [
  ["plain", "plain-password", "shop", "plain shop_production"],
  ["scram", "scram-password", "shop", "scram shop_production"],
  ["hashed", "md5-password", "shop", "hashed shop_production"],
  ["scram", "scram-password", "reports", "scram reports_old"],
  ["hashed", "md5-password", "reports", "hashed reports_old"],
  ["plain", "plain-password", "postgres", "plain postgres"],
  ["scram", "scram-password", "reports_old", "scram reports_old"],
  ["hashed", "md5-password", "shop_production", "hashed shop_production"],
  ["owner", "owner-password", "forced", "owner shop_production"],
  ["same", "owner-password", "forced", "owner shop_production"],
  ["unlisted", "unlisted-password", "queried", "unlisted reports_old"],
  ["scram", "scram-password", "queried", "scram reports_old"],
  ["hashed", "md5-password", "queried", "hashed reports_old"],
] as const;

const REFUSED = [
  ["plain", "wrong", "shop"],
  ["scram", "wrong", "reports"],
  ["hashed", "wrong", "shop"],
  ["nobody", "plain-password", "shop"],
  ["plain", "scram-password", "forced"],
  ["unlisted", "unlisted-password", "shop"],
  ["unlisted", "wrong", "queried"],
  ["expired", "x", "queried"],
  ["nobody", "x", "queried"],
  ["plain", "plain-password", "no_such_database"],
] as const;

/** Without one, only Carpool's half of the comparison runs. */
const noPgBouncer = PGBOUNCER === null;

describe.each(["Carpool", "PgBouncer"] as const)("through %s", (pooler) => {
  const portOf = () => (pooler === "Carpool" ? carpool.portOf("transaction") : pgbouncerPort);
  const skipped = pooler === "PgBouncer" && noPgBouncer;

  test.skipIf(skipped).each(STRINGS)(
    "%s with %p, database %s, is %s",
    async (user, password, database, place) => {
      expect(await placeOf({ user, password, database }, portOf())).toBe(place);
    },
  );

  test.skipIf(skipped).each(REFUSED)("%s with %p, database %s, is refused", async (...names) => {
    const [user, password, database] = names;
    const error = await rejectionOf(placeOf({ user, password, database }, portOf()));
    expect(error).toHaveProperty("code");
  });
});
