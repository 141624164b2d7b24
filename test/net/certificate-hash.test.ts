import { describe, expect, test } from "bun:test";
import { createHash, X509Certificate } from "node:crypto";
import { hashCertificate } from "../../src/net/certificate-hash.ts";
import { fixture } from "./support/certificates.ts";

/** The DER of a PEM with one certificate, without the library that is tested. */
function derOf(pem: string): Uint8Array {
  const lines = pem.split("\n").filter((line) => line !== "" && !line.startsWith("-----"));
  return Buffer.from(lines.join(""), "base64");
}

function expected(name: string, hash: string): Uint8Array {
  return createHash(hash)
    .update(derOf(fixture(name)))
    .digest();
}

describe("hashCertificate", () => {
  test("hashes with the hash of the certificate's signature", () => {
    expect(hashCertificate(new X509Certificate(fixture("localhost")))).toEqual(
      expected("localhost", "sha256"),
    );
    expect(hashCertificate(new X509Certificate(fixture("alpha")))).toEqual(
      expected("alpha", "sha384"),
    );
  });

  test("hashes with SHA-256 where the signature uses a weaker hash", () => {
    expect(hashCertificate(new X509Certificate(fixture("sha1")))).toEqual(
      expected("sha1", "sha256"),
    );
  });

  test("has no answer for a signature that names no hash", () => {
    expect(hashCertificate(new X509Certificate(fixture("ed25519")))).toBeNull();
  });
});
