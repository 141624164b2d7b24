/**
 * Whether the files that the settings name are there and hold what they should.
 * Reads them, changes nothing.
 */

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { describeFileError } from "./file-error.ts";
import type { Findings } from "./findings.ts";
import type { Config } from "./settings.ts";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs;

/** Any bit for users who are neither the owner nor in the group. */
const MODE_OTHERS = 0o007;

/** What a file gave, or why it gave nothing. */
type Reading<Value> =
  | { readonly value: Value; readonly problem: null }
  | { readonly value: null; readonly problem: string };

/**
 * Checks certificates, key and data directory, whose relative paths count from `workingDirectory`.
 * `nowMs` is the time since 1970, against which the certificate's dates are held.
 */
export function checkFiles(config: Config, workingDirectory: string, nowMs: number): Findings {
  const locate = (path: string | null) => (path === null ? null : resolve(workingDirectory, path));
  const certificate = locate(config.globalDownstreamCertPath);
  const pair = checkPair(certificate, locate(config.globalDownstreamKeyPath), nowMs);
  const authorities = readNamed(
    "GLOBAL_UPSTREAM_CA_PATH",
    locate(config.globalUpstreamCaPath),
    parseCertificates,
  );
  const directory = checkDirectory(resolve(workingDirectory, config.dataDirectory));
  const problems = [authorities?.problem, directory];
  return {
    problems: [...pair.problems, ...problems.filter(isText)],
    warnings: pair.warnings,
  };
}

function checkPair(path: string | null, keyPath: string | null, nowMs: number): Findings {
  const chain = readNamed("GLOBAL_DOWNSTREAM_CERT_PATH", path, parseCertificates);
  const key = readNamed("GLOBAL_DOWNSTREAM_KEY_PATH", keyPath, parseKey);
  const problems = [chain?.problem, key?.problem].filter(isText);
  const certificate = chain?.value?.[0];
  if (certificate !== undefined && key?.value && !certificate.checkPrivateKey(key.value)) {
    problems.push("GLOBAL_DOWNSTREAM_KEY_PATH is not the key of GLOBAL_DOWNSTREAM_CERT_PATH");
  }
  const warnings = [
    certificate === undefined ? null : describeDates(certificate, nowMs),
    keyPath === null || key?.value === null ? null : describeMode(keyPath),
  ];
  return { problems, warnings: warnings.filter(isText) };
}

/** Returns null where the setting has no value. */
function readNamed<Value>(
  name: string,
  path: string | null,
  parse: (pem: string) => Reading<Value>,
): Reading<Value> | null {
  if (path === null) return null;
  const reading = readText(path);
  const parsed = reading.value === null ? reading : parse(reading.value);
  return parsed.value === null
    ? { value: null, problem: `${name}: ${path}: ${parsed.problem}` }
    : parsed;
}

function readText(path: string): Reading<string> {
  try {
    return { value: readFileSync(path, "utf8"), problem: null };
  } catch (error) {
    return { value: null, problem: describeFileError(error).text };
  }
}

function parseCertificates(pem: string): Reading<readonly X509Certificate[]> {
  const blocks = pem.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) return { value: null, problem: "holds no PEM certificate" };
  const certificates: X509Certificate[] = [];
  for (const block of blocks) {
    try {
      certificates.push(new X509Certificate(block));
    } catch {
      // The library's reason is an OpenSSL code; which one is broken says more.
      const problem = `certificate ${certificates.length + 1} of ${blocks.length} cannot be parsed`;
      return { value: null, problem };
    }
  }
  return { value: certificates, problem: null };
}

function parseKey(pem: string): Reading<KeyObject> {
  if (/ENCRYPTED/.test(pem)) {
    return { value: null, problem: "is protected by a passphrase; store it without one" };
  }
  try {
    return { value: createPrivateKey(pem), problem: null };
  } catch {
    // Nothing of a private key's file belongs into a message.
    return { value: null, problem: "holds no PEM private key" };
  }
}

function describeDates(certificate: X509Certificate, nowMs: number): string | null {
  if (nowMs > certificate.validToDate.getTime()) {
    return `GLOBAL_DOWNSTREAM_CERT_PATH: the certificate expired on ${certificate.validTo}`;
  }
  if (nowMs < certificate.validFromDate.getTime()) {
    return `GLOBAL_DOWNSTREAM_CERT_PATH: the certificate holds only from ${certificate.validFrom}`;
  }
  return null;
}

function describeMode(path: string): string | null {
  const others = statSync(path).mode & MODE_OTHERS;
  return others === 0
    ? null
    : `GLOBAL_DOWNSTREAM_KEY_PATH: ${path} is open to all users of the machine; chmod 600 it`;
}

function checkDirectory(path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined || found.isDirectory()
    ? null
    : `DATA_DIRECTORY: ${path} is a file, not a folder`;
}

function isText(value: string | null | undefined): value is string {
  return typeof value === "string";
}
