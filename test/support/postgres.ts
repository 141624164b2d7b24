/**
 * A real PostgreSQL for a test: 18 or 15, in a folder of its own, up in about 150 ms.
 * initdb runs once per version and test process; every further cluster is a copy of the first.
 * Nothing survives a crash of the machine (fsync is off), and nothing of it survives the tests.
 */

import { chmod, copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from "../../src/app/embedded/embedded-postgres.ts";
import {
  type Account,
  accountForCluster,
  giveTo,
} from "../../src/app/embedded/postgres-account.ts";
import { locateBinaries, usableBinaries } from "../../src/app/embedded/postgres-binaries.ts";
import { ensureCluster } from "../../src/app/embedded/postgres-cluster.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "./temporary-folder.ts";
import { type CertificatePaths, TLS_FIXTURES } from "./tls-fixtures.ts";

export type PostgresVersion = 18 | 15;

export interface TestPostgresOptions {
  readonly version?: PostgresVersion;
  /** By their names in postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Lines that replace pg_hba.conf. By default everybody logs in with SCRAM-SHA-256. */
  readonly hba?: readonly string[];
  /** The server's certificate, or true: the one for localhost. Clients may still connect without TLS. */
  readonly tls?: boolean | CertificatePaths;
}

/** Where and as whom to connect; by default as superuser to the database `postgres`. */
export interface ConnectionTarget {
  readonly user?: string;
  readonly password?: string;
  readonly database?: string;
}

const PACKAGES: Readonly<Record<PostgresVersion, string>> = {
  18: "embedded-postgres",
  15: "embedded-postgres-15",
};
const SUPERUSER = "postgres";
const PASSWORD = "postgres-password";
const THROWAWAY_SETTINGS = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  log_checkpoints: "off",
};

/** A cluster to copy and the programs it was made with, kept until the test process ends. */
interface Template {
  readonly dataDirectory: string;
  readonly binariesDirectory: string;
}

const templates = new Map<PostgresVersion, Promise<Template>>();

export class TestPostgres implements AsyncDisposable {
  readonly superuser = SUPERUSER;
  readonly password = PASSWORD;
  readonly #folder: TemporaryFolder;
  readonly #options: EmbeddedPostgresOptions;
  #server: EmbeddedPostgres;

  constructor(folder: TemporaryFolder, options: EmbeddedPostgresOptions, server: EmbeddedPostgres) {
    this.#folder = folder;
    this.#options = options;
    this.#server = server;
  }

  /** On 127.0.0.1. Stays the same through {@link restart}. */
  get port(): number {
    return this.#server.port;
  }

  get majorVersion(): number {
    return this.#server.majorVersion;
  }

  /** Of the postmaster. */
  get processId(): number {
    return this.#server.processId;
  }

  /** Returns a URL for libpq and for drivers. */
  connectionString(target: ConnectionTarget = {}): string {
    const { user = SUPERUSER, password = PASSWORD, database = "postgres" } = target;
    const credentials = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
    return `postgres://${credentials}@127.0.0.1:${this.port}/${encodeURIComponent(database)}`;
  }

  /**
   * Runs `sql` as superuser over a connection of its own, which is closed before this resolves, and returns
   * the rows. Several statements are allowed without `values`; their rows are not returned.
   */
  async query(
    sql: string,
    values?: readonly unknown[],
    target?: ConnectionTarget,
  ): Promise<Record<string, unknown>[]> {
    const client = new Client({ connectionString: this.connectionString(target) });
    await client.connect();
    try {
      const result = await client.query<Record<string, unknown>>(
        sql,
        values === undefined ? undefined : [...values],
      );
      return Array.isArray(result) ? [] : result.rows;
    } finally {
      await client.end();
    }
  }

  /** Returns everything the server has logged. */
  async log(): Promise<string> {
    return Bun.file(this.#server.logFile).text();
  }

  /** Stops the server, dropping its connections (57P01), but keeps data and port for {@link start}. */
  async shutDown(): Promise<void> {
    await this.#server.stop("fast");
  }

  /** Starts the server again after {@link shutDown}. */
  async start(): Promise<void> {
    this.#server = await startEmbeddedPostgres({ ...this.#options, port: this.port });
  }

  /** Ends the server and removes its data. */
  async stop(): Promise<void> {
    await this.#server.stop("immediate");
    await this.#folder.remove();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Starts a PostgreSQL of its own for the caller, who stops it: `await using`, or `stop()` in afterAll. */
export async function startPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  const template = await templateFor(options.version ?? 18);
  const folder = await makeTemporaryFolder();
  const dataDirectory = join(folder.path, "data");
  await copyCluster(template.dataDirectory, dataDirectory);
  const account = await accountForCluster(dataDirectory);
  if (options.hba !== undefined)
    await writeFile(join(dataDirectory, "pg_hba.conf"), `${options.hba.join("\n")}\n`);
  const launch: EmbeddedPostgresOptions = {
    binariesDirectory: template.binariesDirectory,
    stagingDirectory: folder.path,
    dataDirectory,
    port: 0,
    user: SUPERUSER,
    password: PASSWORD,
    settings: {
      ...THROWAWAY_SETTINGS,
      ...(await tlsSettings(options.tls ?? false, folder.path, account)),
      ...options.settings,
    },
  };
  return new TestPostgres(folder, launch, await startEmbeddedPostgres(launch));
}

function templateFor(version: PostgresVersion): Promise<Template> {
  const known = templates.get(version);
  if (known !== undefined) return known;
  const template = makeTemplate(version);
  templates.set(version, template);
  return template;
}

async function makeTemplate(version: PostgresVersion): Promise<Template> {
  const folder = await makeTemporaryFolder();
  const dataDirectory = join(folder.path, "template");
  const account = await accountForCluster(dataDirectory);
  const installed = locateBinaries(PACKAGES[version]);
  const binaries = await usableBinaries(installed, folder.path, account);
  await ensureCluster(binaries, account, {
    dataDirectory,
    user: SUPERUSER,
    password: PASSWORD,
    initdbArguments: ["--no-sync", "--wal-segsize=1"], // 24 MB to copy rather than 39
  });
  return { dataDirectory, binariesDirectory: binaries.directory };
}

/** `cp -a` keeps the owner, which node's own copy doesn't. */
async function copyCluster(from: string, to: string): Promise<void> {
  const copy = Bun.spawn(["cp", "-a", from, to], { stderr: "pipe" });
  if ((await copy.exited) !== 0) throw new Error(await new Response(copy.stderr).text());
}

/** PostgreSQL refuses a key that others can read, and one that it can't. */
async function tlsSettings(
  tls: boolean | CertificatePaths,
  folder: string,
  account: Account,
): Promise<Record<string, string>> {
  if (tls === false) return {};
  const place = async (source: string, name: string): Promise<string> => {
    const copy = join(folder, name);
    await copyFile(source, copy);
    await chmod(copy, 0o600);
    await giveTo(account, copy);
    return copy;
  };
  const { certificate, key } = tls === true ? TLS_FIXTURES.server : tls;
  return {
    ssl: "on",
    ssl_cert_file: await place(certificate, "server.crt"),
    ssl_key_file: await place(key, "server.key"),
    ssl_ca_file: await place(TLS_FIXTURES.ca, "ca.crt"),
  };
}
