import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { chmod, mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  accountForCluster,
  firstClosedDirectory,
} from "../../../src/app/embedded/postgres-account.ts";
import { prepareDataFolder } from "../../../src/app/quick-start/data-folder.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../../support/temporary-folder.ts";

const RUN_BY_ROOT = process.geteuid?.() === 0;
let folder: TemporaryFolder;
let systemData: string;

beforeAll(async () => {
  folder = await makeTemporaryFolder();
  systemData = join(folder.path, "system");
});
afterAll(async () => {
  await folder.remove();
});

describe("the quick start's data folder", () => {
  test("is the preferred one, which others may enter but not list", async () => {
    const preferred = join(folder.path, "checkout", ".carpool");
    expect(await prepareDataFolder(preferred, systemData)).toBe(preferred);
    expect((await stat(preferred)).mode & 0o777).toBe(0o711);
    expect(await prepareDataFolder(preferred, systemData)).toBe(preferred);
    expect(existsSync(systemData)).toBe(false);
  });

  test("leaves the mode of an existing folder alone", async () => {
    const preferred = join(folder.path, "existing");
    await mkdir(preferred);
    await chmod(preferred, 0o755);
    await prepareDataFolder(preferred, systemData);
    expect((await stat(preferred)).mode & 0o777).toBe(0o755);
  });

  test.skipIf(!RUN_BY_ROOT)(
    "is elsewhere, and the same at each start, where only root may enter (needs root)",
    async () => {
      const closed = join(folder.path, "closed");
      await mkdir(closed, { mode: 0o700 });
      const chosen = await prepareDataFolder(join(closed, "one", ".carpool"), systemData);
      expect(chosen).toStartWith(systemData);
      expect(existsSync(join(closed, "one"))).toBe(false);
      expect(await prepareDataFolder(join(closed, "one", ".carpool"), systemData)).toBe(chosen);
      expect(await prepareDataFolder(join(closed, "two", ".carpool"), systemData)).not.toBe(chosen);
      expect(firstClosedDirectory(await accountForCluster(chosen), chosen)).toBeNull();
    },
  );

  test.skipIf(!RUN_BY_ROOT)("can be entered whatever the umask (needs root)", async () => {
    const former = process.umask(0o077);
    try {
      const chosen = await prepareDataFolder(join(folder.path, "masked", ".carpool"), systemData);
      expect(firstClosedDirectory(await accountForCluster(chosen), chosen)).toBeNull();
    } finally {
      process.umask(former);
    }
  });
});
