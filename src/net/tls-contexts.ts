/**
 * Our certificates and keys, loaded and checked, ready for handshakes.
 * A reload changes what later handshakes use; connections that stand keep what they began with.
 */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { hashCertificate } from "./certificate-hash.ts";

/** Paths of a PEM certificate (its chain behind it) and of its unencrypted PEM key. */
export interface CertificateFiles {
  readonly certificatePath: string;
  readonly keyPath: string;
}

/** One certificate that we can be. */
export interface TlsIdentity {
  /** Bun's native context. Opaque. */
  readonly context: unknown;
  readonly certificate: X509Certificate;
  /** `tls-server-end-point` of the certificate; see {@link hashCertificate}. */
  readonly certificateHash: Uint8Array | null;
}

/** A certificate or key that cannot be used. For the operator; no client sees it. */
export class TlsConfigurationError extends Error {
  override readonly name = "TlsConfigurationError";
  readonly path: string;

  constructor(path: string, problem: string, cause?: unknown) {
    super(`${path}: ${problem}`, { cause });
    this.path = path;
  }
}

export class TlsContexts {
  readonly #files: readonly [CertificateFiles, ...CertificateFiles[]];
  #others: readonly TlsIdentity[];
  #default: TlsIdentity;

  /**
   * Loads the certificates. The first is the default; a later one is shown to clients that ask (by SNI)
   * for a name which it covers. Throws a {@link TlsConfigurationError} that names the file.
   */
  constructor(files: readonly [CertificateFiles, ...CertificateFiles[]]) {
    this.#files = files;
    this.#default = loadIdentity(files[0]);
    this.#others = files.slice(1).map(loadIdentity);
  }

  /** Reads the same files again. On a {@link TlsConfigurationError} nothing has changed. */
  reload(): void {
    const first = loadIdentity(this.#files[0]);
    const others = this.#files.slice(1).map(loadIdentity);
    this.#default = first;
    this.#others = others;
  }

  /** Returns the identity for a name asked for by SNI, or the default. */
  select(serverName: string | null): TlsIdentity {
    if (serverName === null || this.#others.length === 0) return this.#default;
    if (serverName.includes("\0")) return this.#default; // checkHost throws at those
    const covers = (identity: TlsIdentity) =>
      identity.certificate.checkHost(serverName) !== undefined;
    if (covers(this.#default)) return this.#default;
    return this.#others.find(covers) ?? this.#default;
  }
}

function loadIdentity(files: CertificateFiles): TlsIdentity {
  const certificatePem = readPem(files.certificatePath);
  const keyPem = readPem(files.keyPath);
  const certificate = attempt(files.certificatePath, "not a PEM certificate", () => {
    return new X509Certificate(certificatePem);
  });
  const key = attempt(files.keyPath, "not an unencrypted PEM private key", () => {
    return createPrivateKey(keyPem);
  });
  if (!certificate.checkPrivateKey(key)) {
    const problem = `not the private key of the certificate ${files.certificatePath}`;
    throw new TlsConfigurationError(files.keyPath, problem);
  }
  const context = attempt(files.certificatePath, "refused by the TLS library", () => {
    // TLS 1.2 is PostgreSQL's own ssl_min_protocol_version.
    return createSecureContext({ cert: certificatePem, key: keyPem, minVersion: "TLSv1.2" });
  });
  const native: unknown = context.context;
  return { context: native, certificate, certificateHash: hashCertificate(certificate) };
}

function readPem(path: string): string {
  return attempt(path, "cannot be read", () => readFileSync(path, "utf8"));
}

function attempt<T>(path: string, problem: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new TlsConfigurationError(path, problem, error);
  }
}
