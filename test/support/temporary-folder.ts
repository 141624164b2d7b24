/**
 * Folders that a test writes into, gone at the latest with the test process: also when that is killed.
 * `bun test` emits no "exit" event, so a shell waits for the end of a pipe that only this process holds.
 */

import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  accountForCluster,
  firstClosedDirectory,
} from "../../src/app/embedded/postgres-account.ts";

/** A PostgreSQL in the folder may still be stopping, and write while rm removes: hence the tries. */
const REMOVE_SCRIPT = `
  read -r line
  for try in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$1" && exit; sleep 1; done
`;

export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
  /** Removes the folder and all in it. */
  remove(): Promise<void>;
}

/**
 * Makes an empty folder which others may enter but not list: a test that root runs starts PostgreSQL in it
 * under another account.
 */
export async function makeTemporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(await temporaryRoot(), "carpool-test-"));
  await chmod(path, 0o711);
  const guard = Bun.spawn(["/bin/sh", "-c", REMOVE_SCRIPT, "sh", path], {
    cwd: "/",
    detached: true,
    stdin: "pipe",
    stdout: "ignore",
    stderr: "ignore",
  });
  guard.unref();
  const remove = async () => {
    guard.kill("SIGKILL");
    await guard.exited;
    await rm(path, { recursive: true, force: true });
  };
  return { path, remove, [Symbol.asyncDispose]: remove };
}

/** Returns TMPDIR, or the system's own place where PostgreSQL's account may not enter that. */
async function temporaryRoot(): Promise<string> {
  const account = await accountForCluster(join(tmpdir(), "no-cluster"));
  return firstClosedDirectory(account, tmpdir()) === null ? tmpdir() : "/tmp";
}
