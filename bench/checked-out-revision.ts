/**
 * A revision of a repository in a worktree of its own, with its dependencies, gone afterwards.
 */

import { symlink } from "node:fs/promises";
import { join } from "node:path";

export interface CheckedOutRevision extends AsyncDisposable {
  /** Where it lies. */
  readonly folder: string;
  /** Its commit's abbreviated name. */
  readonly commit: string;
}

/**
 * Checks `revision` of `repository` out into `folder`, which does not exist. Throws git's words when there
 * is no such revision.
 */
export async function checkOut(
  repository: string,
  revision: string,
  folder: string,
): Promise<CheckedOutRevision> {
  const git = (...args: readonly string[]) => run(["git", ...args], repository);
  const commit = (await git("rev-parse", "--short", "--verify", `${revision}^{commit}`)).trim();
  await git("worktree", "add", "--quiet", "--detach", folder, commit);
  const gone = async (): Promise<void> => {
    await git("worktree", "remove", "--force", folder);
  };
  try {
    await installDependencies(repository, folder);
  } catch (error) {
    await gone();
    throw error;
  }
  return { folder, commit, [Symbol.asyncDispose]: gone };
}

/** Those that are installed in the repository, where they are the same. */
async function installDependencies(repository: string, folder: string): Promise<void> {
  if ((await lockOf(folder)) === (await lockOf(repository))) {
    await symlink(join(repository, "node_modules"), join(folder, "node_modules"));
    return;
  }
  await run(["npm", "ci", "--prefer-offline", "--no-audit", "--no-fund"], folder);
}

function lockOf(folder: string): Promise<string> {
  return Bun.file(join(folder, "package-lock.json")).text();
}

async function run(argv: readonly string[], cwd: string): Promise<string> {
  const child = Bun.spawn([...argv], { cwd, stdout: "pipe", stderr: "pipe" });
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) throw new Error(`${argv.join(" ")} failed:\n${errors}`);
  return output;
}
