import { describe, expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { endPointHash, tlsServerEndPoint } from "../../src/auth/channel-binding.ts";
import { CERTIFICATES } from "./certificates.ts";

function certificate(der: string): X509Certificate {
  return new X509Certificate(Buffer.from(der, "base64"));
}

describe("tlsServerEndPoint", () => {
  test.each([CERTIFICATES.ecdsaSha256, CERTIFICATES.ecdsaSha384, CERTIFICATES.ecdsaSha1])(
    "hashes a certificate as openssl does",
    ({ der, hash }) => {
      const binding = tlsServerEndPoint(certificate(der));
      expect(binding?.type).toBe("tls-server-end-point");
      expect(Buffer.from(binding?.data ?? []).toString("hex")).toBe(hash);
    },
  );

  test("has none for a certificate whose signature has no hash of its own", () => {
    expect(tlsServerEndPoint(certificate(CERTIFICATES.ed25519.der))).toBeNull();
  });

  test("has none for a certificate whose signature algorithm is unknown", () => {
    const raw = Buffer.from(CERTIFICATES.ecdsaSha256.der, "base64");
    expect(tlsServerEndPoint({ raw, signatureAlgorithm: undefined })).toBeNull();
  });
});

describe("endPointHash", () => {
  test.each([
    ["sha256WithRSAEncryption", "sha256"],
    ["sha384WithRSAEncryption", "sha384"],
    ["sha512WithRSAEncryption", "sha512"],
    ["RSA-SHA224", "sha224"],
    ["ecdsa-with-SHA512", "sha512"],
    ["dsa_with_SHA256", "sha256"],
  ])("takes the hash of %s", (name, hash) => {
    expect(endPointHash(name)).toBe(hash);
  });

  test.each(["md5WithRSAEncryption", "sha1WithRSAEncryption", "ecdsa-with-SHA1"])(
    "takes SHA-256 for %s",
    (name) => {
      expect(endPointHash(name)).toBe("sha256");
    },
  );

  test.each([
    "",
    "ED25519",
    "rsassaPss",
    "RSA-SHA512/256",
    "sha512-256WithRSAEncryption",
    "ecdsa_with_SHA3-256",
    "md4WithRSAEncryption",
  ])("knows none for %j", (name) => {
    expect(endPointHash(name)).toBeNull();
  });
});
