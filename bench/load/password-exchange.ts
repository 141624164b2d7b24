/**
 * The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677) behind the interface that a login needs.
 */

import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto";

/** One SASL exchange of one login; its methods are called once each, in this order. */
export interface PasswordExchange {
  readonly mechanism: string;
  /** The initial response. */
  clientFirst(): string;
  /** The answer to AuthenticationSASLContinue. Throws when it is not a SCRAM server-first-message. */
  clientFinal(serverFirst: string): string;
  /** Checks AuthenticationSASLFinal. Throws when the server does not know the password either. */
  verify(serverFinal: string): void;
}

/**
 * Passwords with their salt, derived once each: PBKDF2 costs more than a pooler's whole login, and would
 * make the load generator the limit. Clients of one process share one of these.
 */
export class SaltedPasswords {
  readonly #known = new Map<string, Buffer>();

  /** PBKDF2-SHA-256 of `password`. `salt` is in base64. */
  derive(password: string, salt: string, iterations: number): Buffer {
    const key = JSON.stringify([password, salt, iterations]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const derived = pbkdf2Sync(password, Buffer.from(salt, "base64"), iterations, 32, "sha256");
    this.#known.set(key, derived);
    return derived;
  }
}

export class ScramExchange implements PasswordExchange {
  readonly mechanism = "SCRAM-SHA-256";
  readonly #password: string;
  readonly #saltedPasswords: SaltedPasswords;
  readonly #clientFirstBare = `n=,r=${randomBytes(18).toString("base64")}`;

  #serverSignature: Buffer = Buffer.alloc(32);

  constructor(password: string, saltedPasswords: SaltedPasswords) {
    this.#password = password;
    this.#saltedPasswords = saltedPasswords;
  }

  clientFirst(): string {
    return `n,,${this.#clientFirstBare}`;
  }

  clientFinal(serverFirst: string): string {
    const match = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst);
    if (match === null) throw new Error(`not a SCRAM server-first-message: ${serverFirst}`);
    const [, nonce = "", salt = "", iterations = ""] = match;
    const salted = this.#saltedPasswords.derive(this.#password, salt, Number(iterations));
    const clientKey = hmac(salted, "Client Key");
    const withoutProof = `c=biws,r=${nonce}`;
    const authMessage = `${this.#clientFirstBare},${serverFirst},${withoutProof}`;
    const signature = hmac(createHash("sha256").update(clientKey).digest(), authMessage);
    this.#serverSignature = hmac(hmac(salted, "Server Key"), authMessage);
    const proof = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0));
    return `${withoutProof},p=${Buffer.from(proof).toString("base64")}`;
  }

  verify(serverFinal: string): void {
    const signature = Buffer.from(serverFinal.replace(/^v=/, ""), "base64");
    if (signature.length !== 32 || !timingSafeEqual(signature, this.#serverSignature)) {
      throw new Error("the server's SCRAM signature is wrong");
    }
  }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
