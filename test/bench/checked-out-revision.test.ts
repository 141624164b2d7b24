import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { checkOut } from "../../bench/checked-out-revision.ts";
import { rejectionOf } from "../support/rejection.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";

const AUTHOR = ["-c", "user.name=test", "-c", "user.email=test@localhost"];

/** A repository of one commit, in `repository` of a folder; with dependencies installed, of a kind. */
async function makeRepository(): Promise<TemporaryFolder & { readonly repository: string }> {
  const folder = await makeTemporaryFolder();
  const repository = join(folder.path, "repository");
  await mkdir(join(repository, "node_modules"), { recursive: true });
  await Bun.write(join(repository, ".gitignore"), "node_modules\n");
  await Bun.write(join(repository, "package-lock.json"), "{}");
  await Bun.$`git init -q . && git add . && git ${AUTHOR} commit -qm one`.cwd(repository).quiet();
  return { ...folder, repository };
}

describe.skipIf(Bun.which("git") === null)("checkOut", () => {
  test("puts a revision into the folder, with dependencies, until it is disposed", async () => {
    await using made = await makeRepository();
    const folder = join(made.path, "revision");
    const revision = await checkOut(made.repository, "HEAD", folder);
    expect(revision.commit).toMatch(/^[0-9a-f]{7,}$/);
    expect(await Bun.file(join(folder, "package-lock.json")).text()).toBe("{}");
    expect(await readlink(join(folder, "node_modules"))).toBe(
      join(made.repository, "node_modules"),
    );
    await revision[Symbol.asyncDispose]();
    expect(existsSync(folder)).toBe(false);
    expect(existsSync(join(made.repository, "node_modules"))).toBe(true);
  });

  test("refuses a revision that does not exist, and leaves nothing", async () => {
    await using made = await makeRepository();
    const folder = join(made.path, "revision");
    const refused = await rejectionOf(checkOut(made.repository, "no-such-revision", folder));
    expect(String(refused)).toContain("git rev-parse");
    expect(existsSync(folder)).toBe(false);
  });

  test("refuses a folder that has something in it, and leaves it alone", async () => {
    await using made = await makeRepository();
    const folder = join(made.path, "mine");
    await Bun.write(join(folder, "mine"), "mine");
    const refused = await rejectionOf(checkOut(made.repository, "HEAD", folder));
    expect(String(refused)).toContain("git worktree add");
    expect(existsSync(join(folder, "mine"))).toBe(true);
  });

  test("takes the worktree away again when the dependencies can't be installed", async () => {
    await using made = await makeRepository();
    // The working copy has another lock file than the commit, and that one is no package at all.
    await Bun.write(join(made.repository, "package-lock.json"), '{"name":"other"}');
    const folder = join(made.path, "revision");
    const refused = await rejectionOf(checkOut(made.repository, "HEAD", folder));
    expect(String(refused)).toContain("npm ci");
    expect(existsSync(folder)).toBe(false);
  });
});
