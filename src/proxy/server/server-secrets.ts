/**
 * What the servers of a pool are opened by: the user's secret and, while a password is being changed, the
 * one before. Knows what has been found out of each, and which of them the server took last: so that no
 * open costs two logins for longer than it has to.
 */

import type { ScramKeys, ScramLoginKeys } from "../../auth/scram-keys.ts";
import type { Secret } from "../../auth/secret.ts";
import { sha256 } from "../../auth/sha-256.ts";
import { DerivedKeys } from "../login/key-derivation.ts";
import { type StoredSecrets, sameSecret } from "../login/user-secrets.ts";

/** A secret to try, and keys that a client proved, where only its verifier is known. */
export interface ServerSecret {
  readonly secret: Secret | null;
  readonly passedThroughKeys: ScramLoginKeys | null;
}

/**
 * A server that refuses what it took before has got another password, and whoever gave it that is likely to
 * tell us: until then its clients wait rather than fail. Seconds, since two commands are typed one after the
 * other; no more, since clients that wait for a mistake to be mended are no better off.
 */
const CHANGE_MS = 10_000;

interface Known {
  readonly secret: Secret | null;
  /** Of a password in clear text. */
  readonly derived: DerivedKeys | null;
  passedThroughKeys: ScramLoginKeys | null;
}

export class ServerSecrets {
  #present: Known;
  #previous: Known | null;
  #previousValidUntil: string;
  /** Which of the two opened the last server. */
  #lastGood: ServerSecret | null = null;
  /** Since when the server refuses what it took before. */
  #refusedSinceMs: number | null = null;

  constructor({ secret, previous }: StoredSecrets) {
    this.#present = knownOf(secret);
    this.#previous = previous === null ? null : knownOf(previous.secret);
    this.#previousValidUntil = previous?.validUntil ?? "";
  }

  /** Others from now on. What is known of those that stay, stays known. */
  replace({ secret, previous }: StoredSecrets): void {
    const before = [this.#present, this.#previous];
    const find = (wanted: Secret | null): Known =>
      before.find((each) => each !== null && sameSecret(each.secret, wanted)) ?? knownOf(wanted);
    this.#present = find(secret);
    this.#previous = previous === null ? null : find(previous.secret);
    this.#previousValidUntil = previous?.validUntil ?? "";
  }

  /** A client has proven `keys`: where only the verifier is known that they belong to, they open servers. */
  passThrough(keys: ScramLoginKeys): void {
    for (const known of [this.#present, this.#previous]) {
      if (known?.secret?.kind !== "scram" || known.passedThroughKeys !== null) continue;
      const { storedKey } = known.secret.verifier;
      if (Buffer.from(sha256(keys.clientKey)).equals(storedKey)) known.passedThroughKeys = keys;
    }
  }

  /** The server took none of `tried`, of {@link inOrder}: keys that were passed through for them are of no use. */
  dropKeys(tried: readonly ServerSecret[]): void {
    for (const known of [this.#present, this.#previous])
      if (known !== null && tried.includes(known)) known.passedThroughKeys = null;
  }

  /** Returns what a server may be opened by at `now`, what is likeliest to be right first. One at least. */
  inOrder(now: string): readonly [ServerSecret, ...ServerSecret[]] {
    const present = this.#present;
    const previous = now < this.#previousValidUntil ? this.#previous : null;
    if (previous === null) return [present];
    return this.#lastGood === previous ? [previous, present] : [present, previous];
  }

  /** A server took this one, of {@link inOrder}. */
  worked(good: ServerSecret): void {
    this.#lastGood = good;
    this.#refusedSinceMs = null;
  }

  /**
   * The server has refused all of `tried`. Tells whether its password is being changed: it took one of them
   * before, and has not refused it for long.
   */
  areBeingChanged(tried: readonly ServerSecret[], nowMs: number): boolean {
    if (this.#lastGood === null || !tried.includes(this.#lastGood)) return false;
    this.#refusedSinceMs ??= nowMs;
    return nowMs - this.#refusedSinceMs < CHANGE_MS;
  }

  /** Returns the keys of `password`, which is one of these; derived once for each salt. */
  keysFor(password: string, salt: Uint8Array, iterations: number): Promise<ScramKeys> {
    const known = [this.#present, this.#previous].find(
      (each) => each?.secret?.kind === "plaintext" && each.secret.password === password,
    );
    return (known?.derived ?? new DerivedKeys(password)).keysFor(salt, iterations);
  }
}

function knownOf(secret: Secret | null): Known {
  const derived = secret?.kind === "plaintext" ? new DerivedKeys(secret.password) : null;
  return { secret, derived, passedThroughKeys: null };
}
