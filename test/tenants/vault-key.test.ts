import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  VaultKeyError,
  vaultKeyFromFile,
  vaultKeyFromSetting,
} from "../../src/tenants/vault-key.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../support/temporary-folder.ts";
import { random } from "./secret-fixtures.ts";

describe("a vault key from VAULT_ENC_KEY", () => {
  test("is its 32 bytes", () => {
    const key = vaultKeyFromSetting("0123456789abcdef0123456789abcdef");
    expect(Buffer.from(key).toString()).toBe("0123456789abcdef0123456789abcdef");
  });

  test.each(["", "short", "x".repeat(31), "x".repeat(33), "x".repeat(64)])(
    "is refused if it is not 32 bytes: %p",
    (text) => {
      expect(() => vaultKeyFromSetting(text)).toThrow(VaultKeyError);
      expect(() => vaultKeyFromSetting(text)).toThrow("VAULT_ENC_KEY must be exactly 32 bytes");
    },
  );

  test("counts bytes and not characters", () => {
    expect(vaultKeyFromSetting("ü".repeat(16)).length).toBe(32);
    expect(() => vaultKeyFromSetting("ü".repeat(32))).toThrow("not 64");
  });

  test("is never repeated in the error", () => {
    expect(() => vaultKeyFromSetting("hunter2")).toThrow(/^(?!.*hunter2)/);
  });
});

describe("a vault key from a file", () => {
  let folder: TemporaryFolder;
  let path: string;

  beforeEach(async () => {
    folder = await makeTemporaryFolder();
    path = join(folder.path, "vault.key");
  });

  afterEach(() => folder.remove());

  test("is made at the first start, for its owner only", () => {
    const key = vaultKeyFromFile(path, random);
    expect(key.length).toBe(32);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder.path)).toEqual(["vault.key"]);
  });

  test("is the same at the next start", () => {
    expect(vaultKeyFromFile(path, random)).toEqual(vaultKeyFromFile(path, random));
  });

  test("can be carried over to VAULT_ENC_KEY", () => {
    const key = vaultKeyFromFile(path, random);
    expect(vaultKeyFromSetting(readFileSync(path, "utf8").trim())).toEqual(key);
  });

  test("is another for another file", () => {
    const other = vaultKeyFromFile(join(folder.path, "other.key"), random);
    expect(vaultKeyFromFile(path, random)).not.toEqual(other);
  });

  test("yields to a process that makes the file at the same moment", () => {
    const theirs = "0123456789abcdef0123456789abcdef";
    const racing = {
      bytes(count: number) {
        writeFileSync(path, theirs, { mode: 0o600 });
        return random.bytes(count);
      },
    };
    expect(Buffer.from(vaultKeyFromFile(path, racing)).toString()).toBe(theirs);
    expect(readdirSync(folder.path)).toEqual(["vault.key"]);
  });

  test.each([0o644, 0o640, 0o660, 0o604])("is refused with mode %o, and left as it is", (mode) => {
    vaultKeyFromFile(path, random);
    chmodSync(path, mode);
    expect(() => vaultKeyFromFile(path, random)).toThrow(VaultKeyError);
    expect(() => vaultKeyFromFile(path, random)).toThrow(`chmod 600 ${path}`);
    expect(statSync(path).mode & 0o777).toBe(mode);
  });

  test("is taken with mode 0400, as secrets are mounted", () => {
    const key = vaultKeyFromFile(path, random);
    chmodSync(path, 0o400);
    expect(vaultKeyFromFile(path, random)).toEqual(key);
  });

  test.each(["", "too short\n", "x".repeat(33)])("is refused if the file holds %p", (text) => {
    writeFileSync(path, text, { mode: 0o600 });
    expect(() => vaultKeyFromFile(path, random)).toThrow(VaultKeyError);
  });

  test("is not made where there is no folder", () => {
    expect(() => vaultKeyFromFile(join(folder.path, "no", "vault.key"), random)).toThrow("ENOENT");
  });
});
