/**
 * The certificates of test/net/fixtures; make-certificates.sh there says what each is.
 */

import { readFileSync } from "node:fs";
import { type CertificateFiles, TlsContexts } from "../../../src/net/tls-contexts.ts";

export function fixturePath(name: string): string {
  return new URL(`../fixtures/${name}.pem`, import.meta.url).pathname;
}

export function fixture(name: string): string {
  return readFileSync(fixturePath(name), "utf8");
}

export function files(name: string): CertificateFiles {
  return { certificatePath: fixturePath(name), keyPath: fixturePath(`${name}-key`) };
}

export function contexts(first: string, ...others: readonly string[]): TlsContexts {
  return new TlsContexts([files(first), ...others.map(files)]);
}
