/**
 * Where the key of the {@link SecretBox} comes from: the setting VAULT_ENC_KEY, or else a file that
 * the first start makes. The file holds 32 printable characters, so that
 * `VAULT_ENC_KEY=$(cat FILE)` moves a store to another machine.
 */

import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import type { Random } from "../base/random.ts";
import { VAULT_KEY_BYTES } from "./secret-box.ts";

/** 192 bits as base64url are exactly 32 characters. */
const KEY_FILE_RANDOM_BYTES = 24;
const OWNER_ONLY = 0o600;
const OTHERS = 0o077;

/** There is a key, but it cannot be used. Says which setting or file, and never what is in it. */
export class VaultKeyError extends Error {
  override readonly name = "VaultKeyError";
}

/** Returns the key of VAULT_ENC_KEY. Throws {@link VaultKeyError} unless it is exactly 32 bytes. */
export function vaultKeyFromSetting(text: string): Uint8Array {
  return keyFromText(text, "VAULT_ENC_KEY");
}

/**
 * Returns the key in the file at `path`, which is made with mode 0600 if there is none. Of several
 * processes that start at once, one makes it and all get the same. Throws {@link VaultKeyError} if
 * others may read the file or it holds no key, and the system's error if it can't be read or made.
 */
export function vaultKeyFromFile(path: string, random: Random): Uint8Array {
  const existing = readKeyFile(path);
  if (existing !== null) return existing;
  createKeyFile(path, random);
  const created = readKeyFile(path);
  if (created === null) throw new VaultKeyError(`the key file ${path} went away while it was made`);
  return created;
}

function readKeyFile(path: string): Uint8Array | null {
  const descriptor = openExisting(path);
  if (descriptor === null) return null;
  try {
    // The mode of what is open, not of what a path may name by now.
    const mode = fstatSync(descriptor).mode & 0o777;
    if ((mode & OTHERS) !== 0)
      throw new VaultKeyError(
        `the key file ${path} has mode 0${mode.toString(8)}: others may read it. ` +
          `Run "chmod 600 ${path}", and if they could, encrypt the passwords with another key`,
      );
    return keyFromText(readFileSync(descriptor, "utf8").trimEnd(), `the key file ${path}`);
  } finally {
    closeSync(descriptor);
  }
}

/** Written whole under another name and then linked: nobody ever reads half a key. */
function createKeyFile(path: string, random: Random): void {
  const draft = `${path}.${Buffer.from(random.bytes(6)).toString("hex")}`;
  const descriptor = openSync(draft, "wx", OWNER_ONLY);
  try {
    const key = Buffer.from(random.bytes(KEY_FILE_RANDOM_BYTES)).toString("base64url");
    writeSync(descriptor, `${key}\n`);
    fsyncSync(descriptor);
    linkUnlessTaken(draft, path);
  } finally {
    closeSync(descriptor);
    unlinkSync(draft);
  }
}

function linkUnlessTaken(draft: string, path: string): void {
  try {
    linkSync(draft, path);
  } catch (error) {
    if (!isSystemError(error, "EEXIST")) throw error;
  }
}

function openExisting(path: string): number | null {
  try {
    return openSync(path, "r");
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return null;
    throw error;
  }
}

function keyFromText(text: string, source: string): Uint8Array {
  const key = Buffer.from(text, "utf8");
  if (key.length === VAULT_KEY_BYTES) return key;
  throw new VaultKeyError(
    `${source} must be exactly ${VAULT_KEY_BYTES} bytes of text, not ${key.length}. ` +
      `"openssl rand -hex 16" makes one`,
  );
}

function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
