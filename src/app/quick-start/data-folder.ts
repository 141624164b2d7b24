/**
 * Where the quick start keeps its data. Beside the checkout, unless that is root's alone: the embedded
 * PostgreSQL, which then runs under another account, could not get there.
 */

import { existsSync } from "node:fs";
import { chmod, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { accountForCluster, firstClosedDirectory } from "../embedded/postgres-account.ts";

/** Where programs of the system keep their data (Filesystem Hierarchy Standard, 5.8). */
const SYSTEM_DATA = "/var/lib/carpool";

/** `--x`: PostgreSQL's account enters on its way to its own data, but lists and reads nothing. */
const ENTER_ONLY_MODE = 0o711;

/**
 * Returns `preferred` (absolute), made if need be, or a folder in `systemData` that is always the same for the
 * same `preferred`. PostgreSQL can keep a cluster in a directory inside of it.
 */
export async function prepareDataFolder(
  preferred: string,
  systemData = SYSTEM_DATA,
): Promise<string> {
  const account = await accountForCluster(preferred);
  const isReachable = firstClosedDirectory(account, nearestExisting(preferred)) === null;
  const folder = isReachable ? preferred : join(systemData, nameFor(preferred));
  await makeEnterable(dirname(folder));
  await makeEnterable(folder);
  return folder;
}

/** Makes a directory, if there is none, that the umask can't close. */
export async function makeEnterable(directory: string): Promise<void> {
  const made = await mkdir(directory, { recursive: true });
  if (made !== undefined) await chmod(directory, ENTER_ONLY_MODE);
}

/** Returns a name that tells checkouts apart and survives updates of Bun, unlike `Bun.hash`. */
function nameFor(path: string): string {
  return new Bun.CryptoHasher("sha256").update(path).digest("hex").slice(0, 12);
}

function nearestExisting(path: string): string {
  return existsSync(path) ? path : nearestExisting(dirname(path));
}
