/**
 * Passwords at rest: AES-256-GCM, each under a nonce of its own and bound to its tenant and user,
 * so that a row copied to another tenant does not open there, nor an earlier password as the present one.
 *
 * Layout of a sealed secret: `v1.` and, in base64url, Nonce(12) Ciphertext(n) Tag(16).
 */

import { createCipheriv, createDecipheriv } from "node:crypto";
import { assert } from "../base/assert.ts";
import type { Random } from "../base/random.ts";

/** AES-256. */
export const VAULT_KEY_BYTES = 32;

const ALGORITHM = "aes-256-gcm";
const VERSION = "v1.";
/** The size that GCM is defined for without hashing the nonce (NIST SP 800-38D, section 8.2). */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Whose secret it is. It must be told again to open the secret. */
export interface SecretOwner {
  readonly externalId: string;
  readonly dbUserAlias: string;
  /** Which of its secrets: none opens in another's place. Absent: its password. */
  readonly purpose?: "previous password";
}

/** A sealed secret did not open: another key sealed it, or it is not what was sealed. */
export class SecretNotOpenedError extends Error {
  override readonly name = "SecretNotOpenedError";

  constructor(owner: SecretOwner) {
    super(
      `the ${owner.purpose ?? "password"} of user "${owner.dbUserAlias}" of tenant "${owner.externalId}" cannot be decrypted: ` +
        "VAULT_ENC_KEY (or the key file) is not the key it was encrypted with, or the record was altered",
    );
  }
}

export class SecretBox {
  readonly #key: Uint8Array;
  readonly #random: Random;

  /** `key` is exactly 32 bytes; see `vault-key.ts`. */
  constructor(key: Uint8Array, random: Random) {
    assert(key.length === VAULT_KEY_BYTES, "a vault key has 32 bytes");
    this.#key = key;
    this.#random = random;
  }

  /** Returns `secret` sealed for `owner`: ASCII text, different each time. */
  seal(secret: string, owner: SecretOwner): string {
    const nonce = this.#random.bytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(ownerBytes(owner));
    const ciphertext = [cipher.update(secret, "utf8"), cipher.final()];
    return (
      VERSION + Buffer.concat([nonce, ...ciphertext, cipher.getAuthTag()]).toString("base64url")
    );
  }

  /** Returns the secret that {@link seal} was given. Throws {@link SecretNotOpenedError}. */
  open(sealed: string, owner: SecretOwner): string {
    const bytes = Buffer.from(sealed.slice(VERSION.length), "base64url");
    if (!sealed.startsWith(VERSION) || bytes.length < NONCE_BYTES + TAG_BYTES)
      throw new SecretNotOpenedError(owner);
    const tagStart = bytes.length - TAG_BYTES;
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv(ALGORITHM, this.#key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(ownerBytes(owner));
    decipher.setAuthTag(bytes.subarray(tagStart));
    const plain = decipher.update(bytes.subarray(NONCE_BYTES, tagStart));
    try {
      return Buffer.concat([plain, decipher.final()]).toString("utf8");
    } catch {
      throw new SecretNotOpenedError(owner);
    }
  }
}

/** No name contains NUL, so no two owners have the same bytes. */
function ownerBytes({ externalId, dbUserAlias, purpose }: SecretOwner): Buffer {
  const owner = `carpool\0${externalId}\0${dbUserAlias}`;
  return Buffer.from(purpose === undefined ? owner : `${owner}\0${purpose}`);
}
