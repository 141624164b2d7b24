import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkFiles } from "../../src/config/check-files.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { readSettingsFile } from "../../src/config/read-settings-file.ts";
import type { Environment } from "../../src/config/unknown-names.ts";

const CERTIFICATE = fileURLToPath(new URL("fixtures/certificate.pem", import.meta.url));
const KEY = fileURLToPath(new URL("fixtures/key.pem", import.meta.url));
const YEAR_2030_MS = Date.UTC(2030, 0);

const folder = mkdtempSync(join(tmpdir(), "carpool-config-"));

beforeAll(() => {
  copyFileSync(CERTIFICATE, join(folder, "certificate.pem"));
  copyFileSync(KEY, join(folder, "key.pem"));
  chmodSync(join(folder, "key.pem"), 0o600);
});

afterAll(() => rmSync(folder, { recursive: true }));

function check(env: Environment, nowMs = YEAR_2030_MS) {
  const loaded = loadConfig({ env, file: null });
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  return checkFiles(loaded.config, folder, nowMs);
}

function checkPair(certificate: string, key: string, nowMs?: number) {
  const env = { GLOBAL_DOWNSTREAM_CERT_PATH: certificate, GLOBAL_DOWNSTREAM_KEY_PATH: key };
  return check(env, nowMs);
}

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

describe("checkFiles", () => {
  test("has nothing against defaults, whose files are made at the first start", () => {
    expect(check({})).toEqual({ problems: [], warnings: [] });
  });

  test("accepts a certificate, its key and an authority", () => {
    expect(checkPair("certificate.pem", "key.pem")).toEqual({ problems: [], warnings: [] });
    expect(check({ GLOBAL_UPSTREAM_CA_PATH: CERTIFICATE })).toEqual({ problems: [], warnings: [] });
  });

  test("tells of all files that are missing", () => {
    const { problems } = checkPair("no-certificate", "no-key");
    expect(problems).toEqual([
      `GLOBAL_DOWNSTREAM_CERT_PATH: ${folder}/no-certificate: no such file`,
      `GLOBAL_DOWNSTREAM_KEY_PATH: ${folder}/no-key: no such file`,
    ]);
  });

  test("refuses a folder and a path through a file", () => {
    expect(check({ GLOBAL_UPSTREAM_CA_PATH: "." }).problems).toEqual([
      `GLOBAL_UPSTREAM_CA_PATH: ${folder}: is a folder, not a file`,
    ]);
    expect(check({ GLOBAL_UPSTREAM_CA_PATH: "key.pem/ca" }).problems).toEqual([
      `GLOBAL_UPSTREAM_CA_PATH: ${folder}/key.pem/ca: a part of the path is not a folder`,
    ]);
  });

  test("refuses files that hold something else", () => {
    const { problems } = checkPair("key.pem", "certificate.pem");
    expect(problems).toEqual([
      `GLOBAL_DOWNSTREAM_CERT_PATH: ${folder}/key.pem: holds no PEM certificate`,
      `GLOBAL_DOWNSTREAM_KEY_PATH: ${folder}/certificate.pem: holds no PEM private key`,
    ]);
  });

  test("says which certificate of a chain is broken", () => {
    const pem = readFileSync(CERTIFICATE, "utf8");
    const chain = write("chain.pem", pem + pem.replace(/^MII.{20}/m, "A".repeat(23)));
    expect(check({ GLOBAL_UPSTREAM_CA_PATH: chain }).problems).toEqual([
      `GLOBAL_UPSTREAM_CA_PATH: ${folder}/chain.pem: certificate 2 of 2 cannot be parsed`,
    ]);
  });

  test("refuses the key of another certificate", () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const key = write("other.pem", privateKey.export({ type: "pkcs8", format: "pem" }));
    expect(checkPair("certificate.pem", key).problems).toEqual([
      "GLOBAL_DOWNSTREAM_KEY_PATH is not the key of GLOBAL_DOWNSTREAM_CERT_PATH",
    ]);
  });

  test("refuses a key with a passphrase, which nobody could enter", () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const pem = privateKey.export({
      type: "pkcs8",
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase: "hunter2",
    });
    expect(checkPair("certificate.pem", write("locked.pem", pem)).problems).toEqual([
      `GLOBAL_DOWNSTREAM_KEY_PATH: ${folder}/locked.pem: is protected by a passphrase; store it without one`,
    ]);
  });

  test("warns of a certificate out of its time", () => {
    expect(checkPair("certificate.pem", "key.pem", Date.UTC(2020, 0)).warnings).toEqual([
      "GLOBAL_DOWNSTREAM_CERT_PATH: the certificate holds only from Nov 22 14:56:48 2026 GMT",
    ]);
    expect(checkPair("certificate.pem", "key.pem", Date.UTC(2130, 0)).warnings).toEqual([
      "GLOBAL_DOWNSTREAM_CERT_PATH: the certificate expired on Oct 29 14:56:48 2126 GMT",
    ]);
  });

  test("warns of a key that all users can read", () => {
    const key = write("open.pem", readFileSync(KEY, "utf8"));
    chmodSync(join(folder, key), 0o644);
    expect(checkPair("certificate.pem", key)).toEqual({
      problems: [],
      warnings: [
        `GLOBAL_DOWNSTREAM_KEY_PATH: ${folder}/open.pem is open to all users of the machine; chmod 600 it`,
      ],
    });
  });

  test("refuses a data directory that is a file", () => {
    expect(check({ DATA_DIRECTORY: "key.pem" }).problems).toEqual([
      `DATA_DIRECTORY: ${folder}/key.pem is a file, not a folder`,
    ]);
  });
});

describe("readSettingsFile", () => {
  test("goes without carpool.yaml where there is none", () => {
    expect(readSettingsFile(join(folder, "nowhere"), null)).toEqual({ ok: true, file: null });
  });

  test("reads carpool.yaml of the working directory, and the file that is named", () => {
    write("carpool.yaml", "port: 1");
    const other = write("other.yaml", "port: 2");
    expect(readSettingsFile(folder, null)).toEqual({
      ok: true,
      file: { name: "carpool.yaml", text: "port: 1" },
    });
    expect(readSettingsFile(folder, other)).toMatchObject({ file: { text: "port: 2" } });
    expect(readSettingsFile("/", join(folder, other))).toMatchObject({ file: { text: "port: 2" } });
  });

  test("refuses a named file that is missing, and a folder", () => {
    expect(readSettingsFile(folder, "missing.yaml")).toEqual({
      ok: false,
      problem: "missing.yaml: no such file",
    });
    expect(readSettingsFile(folder, ".")).toEqual({
      ok: false,
      problem: ".: is a folder, not a file",
    });
  });
});
