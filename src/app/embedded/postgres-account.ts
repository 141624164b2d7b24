/**
 * Under which account an embedded PostgreSQL runs. PostgreSQL refuses to run as root, so a Carpool
 * that root has started hands it to an account without privileges.
 * Leaves out: creating accounts. One of those that every system brings is enough.
 */

import { chown, readFile, stat } from "node:fs/promises";
import { isMissing } from "../system/is-missing.ts";

/** User and group ids, in the shape that `Bun.spawn` takes; empty: as whoever runs this process. */
export type Account =
  | { readonly uid: number; readonly gid: number }
  | Readonly<Record<string, never>>;

/**
 * The accounts that root may hand PostgreSQL to, best first. `nobody` owns nothing; `postgres`, where
 * there is one, may own a real cluster, which a superuser of the embedded one could then read.
 */
const ACCOUNT_NAMES = ["nobody", "postgres"];

/** What an account's processes inherit: none of the PG* variables, which PostgreSQL would obey. */
export const ACCOUNT_ENVIRONMENT = { PATH: "/usr/bin:/bin", LC_ALL: "C" };

/**
 * Returns the account for the cluster in `dataDirectory`: for root the owner of an existing cluster,
 * else an account without privileges; for anybody else, themselves.
 * Throws if the system has no such account.
 */
export async function accountForCluster(dataDirectory: string): Promise<Account> {
  if (process.geteuid?.() !== 0) return {};
  const owner = await ownerOf(dataDirectory);
  if (owner !== null && owner.uid !== 0) return owner;
  const accounts = parseAccounts(await readFile("/etc/passwd", "utf8"));
  for (const name of ACCOUNT_NAMES) {
    const account = accounts.get(name);
    if (account !== undefined && account.uid !== 0) return account;
  }
  throw new Error(
    `PostgreSQL does not run as root, and /etc/passwd has none of the accounts that it could run as: ${ACCOUNT_NAMES.join(", ")}`,
  );
}

/**
 * Returns the first directory on the way to `path` (absolute) that `account` may not enter, or null if
 * it gets there. Asks the kernel rather than the mode bits, so that access lists and mounts count too.
 */
export function firstClosedDirectory(account: Account, path: string): string | null {
  if (mayEnter(account, path)) return null;
  const words = path.split("/");
  for (let count = 1; count < words.length; count += 1) {
    const directory = words.slice(0, count).join("/") || "/";
    if (!mayEnter(account, directory)) return directory;
  }
  return path;
}

/** Makes `account` the owner of a file or directory, if it is another than ours. */
export async function giveTo(account: Account, path: string): Promise<void> {
  if (account.uid !== undefined) await chown(path, account.uid, account.gid);
}

function mayEnter(account: Account, directory: string): boolean {
  const probe = Bun.spawnSync(["/bin/sh", "-c", 'test -x "$1"', "sh", directory], {
    ...account,
    cwd: "/",
    env: ACCOUNT_ENVIRONMENT,
  });
  return probe.exitCode === 0;
}

async function ownerOf(path: string): Promise<Account | null> {
  try {
    const { uid, gid } = await stat(path);
    return { uid, gid };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Returns the accounts of a passwd(5) text by name. macOS writes `nobody` as -2. */
function parseAccounts(passwd: string): Map<string, Account> {
  const accounts = new Map<string, Account>();
  for (const line of passwd.split("\n")) {
    const [name, , uid, gid] = line.split(":");
    if (name === undefined || uid === undefined || gid === undefined) continue;
    accounts.set(name, { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 });
  }
  return accounts;
}
