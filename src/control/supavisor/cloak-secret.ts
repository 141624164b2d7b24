/**
 * Passwords as Supavisor seals them, with Cloak's `Cloak.Ciphers.AES.GCM`
 * (https://hexdocs.pm/cloak/Cloak.Ciphers.AES.GCM.html):
 *
 *     Byte1(1) Byte1(10) Byten("AES.GCM.V1") IV(16) Tag(16) Ciphertext(n)
 *
 * The additional data is "AES256GCM". Supavisor leaves the length of the IV to Cloak, whose default is
 * 16 bytes; 12 are tried as well, for who has set what Cloak's own guide recommends.
 */

import { createDecipheriv } from "node:crypto";

/** AES-256. */
const KEY_BYTES = 32;
const ALGORITHM = "aes-256-gcm";
const ADDITIONAL_DATA = Buffer.from("AES256GCM");
const HEADER = Buffer.from("\x01\x0aAES.GCM.V1");
const IV_BYTES = [16, 12] as const;
const TAG_BYTES = 16;

/** Supavisor's key is missing, or cannot be one. Never says what is in it. */
export class SupavisorKeyError extends Error {
  override readonly name = "SupavisorKeyError";
}

/** Returns the key that Supavisor was started with. Throws SupavisorKeyError unless it has 32 bytes. */
export function supavisorKey(text: string | null): Uint8Array {
  if (text === null)
    throw new SupavisorKeyError(
      "set SUPAVISOR_VAULT_ENC_KEY to the VAULT_ENC_KEY of Supavisor: its passwords are encrypted",
    );
  const key = Buffer.from(text, "utf8");
  if (key.length === KEY_BYTES) return key;
  throw new SupavisorKeyError(
    `the VAULT_ENC_KEY of Supavisor has ${KEY_BYTES} bytes, and the one that was given ${key.length}`,
  );
}

/** Returns the password in `sealed`; null if it was sealed with another key, or is not what was sealed. */
export function openCloakSecret(sealed: Uint8Array, key: Uint8Array): string | null {
  if (!HEADER.equals(sealed.subarray(0, HEADER.length))) return null;
  const body = sealed.subarray(HEADER.length);
  for (const ivBytes of IV_BYTES) {
    const opened = open(body, ivBytes, key);
    if (opened !== null) return opened;
  }
  return null;
}

function open(body: Uint8Array, ivBytes: number, key: Uint8Array): string | null {
  if (body.length < ivBytes + TAG_BYTES) return null;
  const cipherBegin = ivBytes + TAG_BYTES;
  const decipher = createDecipheriv(ALGORITHM, key, body.subarray(0, ivBytes), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(ADDITIONAL_DATA);
  decipher.setAuthTag(body.subarray(ivBytes, cipherBegin));
  try {
    const plain = Buffer.concat([decipher.update(body.subarray(cipherBegin)), decipher.final()]);
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(plain);
  } catch {
    return null; // What does not authenticate was sealed with something else.
  }
}
