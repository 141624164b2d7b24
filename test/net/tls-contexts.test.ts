import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CertificateFiles,
  TlsConfigurationError,
  TlsContexts,
} from "../../src/net/tls-contexts.ts";
import { contexts, files, fixturePath } from "./support/certificates.ts";

function refusal(run: () => unknown): TlsConfigurationError {
  try {
    run();
  } catch (error) {
    if (error instanceof TlsConfigurationError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("TlsContexts", () => {
  let folder: string;
  let paths: CertificateFiles;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "carpool-tls-"));
    paths = { certificatePath: join(folder, "cert.pem"), keyPath: join(folder, "key.pem") };
    install("localhost");
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  function install(name: string): void {
    copyFileSync(fixturePath(name), paths.certificatePath);
    copyFileSync(fixturePath(`${name}-key`), paths.keyPath);
  }

  test("selects by the names that each certificate covers, else the first", () => {
    const all = contexts("localhost", "alpha", "unnamed");
    const subject = (name: string | null) => all.select(name).certificate.subject;
    expect(subject(null)).toContain("localhost");
    expect(subject("localhost")).toContain("localhost");
    expect(subject("alpha.example")).toContain("alpha");
    expect(subject("db.beta.example")).toContain("alpha");
    expect(subject("elsewhere.example")).toContain("unnamed");
    expect(subject("nobody.example")).toContain("localhost");
    expect(subject("not a name \0")).toContain("localhost");
  });

  test("uses what the files hold after a reload", () => {
    const loaded = new TlsContexts([paths]);
    const before = loaded.select(null);
    install("alpha");
    expect(loaded.select(null)).toBe(before);
    loaded.reload();
    expect(loaded.select(null).certificate.subject).toContain("alpha");
  });

  test("keeps everything it had when one file of a reload is bad", () => {
    const loaded = new TlsContexts([files("alpha"), paths]);
    const first = loaded.select(null);
    const second = loaded.select("localhost");
    writeFileSync(paths.keyPath, "half written");
    expect(refusal(() => loaded.reload()).path).toBe(paths.keyPath);
    expect(loaded.select(null)).toBe(first);
    expect(loaded.select("localhost")).toBe(second);
  });

  test("refuses a file that is not there, and names it", () => {
    rmSync(paths.certificatePath);
    const error = refusal(() => new TlsContexts([paths]));
    expect(error.path).toBe(paths.certificatePath);
    expect(error.message).toContain("cannot be read");
  });

  test("refuses a certificate that is none", () => {
    writeFileSync(paths.certificatePath, "-----BEGIN CERTIFICATE-----\nAAAA\n");
    expect(refusal(() => new TlsContexts([paths])).path).toBe(paths.certificatePath);
  });

  test("refuses a key that is none", () => {
    copyFileSync(fixturePath("localhost"), paths.keyPath);
    expect(refusal(() => new TlsContexts([paths])).path).toBe(paths.keyPath);
  });

  test("refuses another certificate's key", () => {
    copyFileSync(fixturePath("alpha-key"), paths.keyPath);
    const error = refusal(() => new TlsContexts([paths]));
    expect(error.path).toBe(paths.keyPath);
    expect(error.message).toContain("not the private key");
  });
});
