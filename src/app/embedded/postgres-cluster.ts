/**
 * Makes the data directory of an embedded PostgreSQL, once, all or nothing: initdb works in a directory
 * beside it, which takes the final name only when it is complete.
 */

import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { makeEnterable } from "../quick-start/data-folder.ts";
import { isMissing } from "../system/is-missing.ts";
import {
  ACCOUNT_ENVIRONMENT,
  type Account,
  firstClosedDirectory,
  giveTo,
} from "./postgres-account.ts";
import type { PostgresBinaries } from "./postgres-binaries.ts";
import { EmbeddedPostgresError } from "./postgres-error.ts";

export interface ClusterOptions {
  /** Absolute. Made if it doesn't exist; its parent is made too. */
  readonly dataDirectory: string;
  /** The superuser. */
  readonly user: string;
  readonly password: string;
  /** Beside ours, e.g. `--auth=md5`, `--no-sync`. A later one wins. */
  readonly initdbArguments?: readonly string[];
}

/**
 * Makes the cluster unless `dataDirectory` holds one. UTF-8, no locale of the operating system (it may have
 * none), passwords by SCRAM-SHA-256.
 * Throws {@link EmbeddedPostgresError} if the directory holds anything else or a cluster of another major version,
 * can't be reached by `account`, or initdb fails.
 */
export async function ensureCluster(
  binaries: PostgresBinaries,
  account: Account,
  options: ClusterOptions,
): Promise<void> {
  const { dataDirectory } = options;
  const parent = dirname(dataDirectory);
  await makeEnterable(parent);
  const closed = firstClosedDirectory(account, parent);
  if (closed !== null)
    throw new EmbeddedPostgresError(
      `PostgreSQL runs as uid ${account.uid}, which may not enter ${closed}: it needs a data directory elsewhere than ${dataDirectory}.`,
    );
  const entries = await entriesOf(dataDirectory);
  if (entries.includes("PG_VERSION")) {
    await refuseOtherMajor(binaries, dataDirectory);
    return;
  }
  if (entries.length > 0)
    throw new EmbeddedPostgresError(`${dataDirectory} is neither empty nor a PostgreSQL cluster.`);
  await makeCluster(binaries, account, options);
}

async function refuseOtherMajor(
  { majorVersion }: PostgresBinaries,
  dataDirectory: string,
): Promise<void> {
  const version = (await readFile(join(dataDirectory, "PG_VERSION"), "utf8")).trim();
  if (version === String(majorVersion)) return;
  throw new EmbeddedPostgresError(
    `${dataDirectory} was made by PostgreSQL ${version}: PostgreSQL ${majorVersion} can't use it. Move it away, and a new one is made.`,
  );
}

async function makeCluster(
  binaries: PostgresBinaries,
  account: Account,
  options: ClusterOptions,
): Promise<void> {
  const draft = `${options.dataDirectory}.new`;
  const passwordFile = `${options.dataDirectory}.password`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  await writeFile(passwordFile, `${options.password}\n`, { mode: 0o600 });
  try {
    await giveTo(account, draft);
    await giveTo(account, passwordFile);
    await runInitdb(binaries, account, [
      `--pgdata=${draft}`,
      `--username=${options.user}`,
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--no-locale",
      ...localeProvider(binaries),
      ...(options.initdbArguments ?? []),
    ]);
    await rename(draft, options.dataDirectory);
  } finally {
    await rm(passwordFile, { force: true });
    await rm(draft, { recursive: true, force: true });
  }
}

/** From 17 on PostgreSQL brings a locale of its own, whose upper() and lower() know all of Unicode. */
function localeProvider({ majorVersion }: PostgresBinaries): string[] {
  return majorVersion >= 17 ? ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] : [];
}

async function runInitdb(
  binaries: PostgresBinaries,
  account: Account,
  initdbArguments: readonly string[],
): Promise<void> {
  const initdb = Bun.spawn([join(binaries.directory, "bin", "initdb"), ...initdbArguments], {
    ...account,
    cwd: "/",
    env: ACCOUNT_ENVIRONMENT,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const complaint = await new Response(initdb.stderr).text();
  if ((await initdb.exited) === 0) return;
  throw new EmbeddedPostgresError("PostgreSQL's initdb failed.", complaint.trim());
}

async function entriesOf(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw new EmbeddedPostgresError(`${directory} can't be read: ${String(error)}`);
  }
}
