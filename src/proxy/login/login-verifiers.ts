/**
 * What a client's proof is held against: a verifier for each secret of the user that it says it is. For
 * who does not exist there is one as well, which no password fits.
 */

import { matchesCleartextPassword } from "../../auth/cleartext-password.ts";
import { md5Verifier } from "../../auth/md5.ts";
import { type ScramLoginKeys, scramKeysFromSaltedPassword } from "../../auth/scram-keys.ts";
import {
  matchesSaltedPassword,
  type ScramVerifier,
  sameSalting,
} from "../../auth/scram-verifier.ts";
import type { Secret } from "../../auth/secret.ts";
import { saltPassword } from "./key-derivation.ts";
import type { UserSecrets } from "./user-secrets.ts";
import type { Verifiers } from "./verifiers.ts";

/** One secret and its verifier. */
export interface LoginVerifier {
  /** Null: of nobody. */
  readonly secret: Secret | null;
  /** Of a secret by MD5, a mock one: it is only worked with, so that all take as long. */
  readonly verifier: ScramVerifier;
}

/** The present secret's first. */
export type LoginVerifiers = readonly [LoginVerifier, ...LoginVerifier[]];

/** Returns the verifiers of `secrets`; a promise where one has to be derived. `claim`: who the client says it is. */
export function loginVerifiers(
  { secret, previous }: UserSecrets,
  claim: string,
  verifiers: Verifiers,
): LoginVerifiers | Promise<LoginVerifiers> {
  const present = verifierFor(secret, claim, verifiers);
  const before = previous === null ? null : verifierFor(previous, claim, verifiers);
  if (present instanceof Promise || before instanceof Promise)
    return Promise.all([present, before]).then(([first, second]) =>
      joined(secret, first, previous, second),
    );
  return joined(secret, present, previous, before);
}

function verifierFor(
  secret: Secret | null,
  claim: string,
  verifiers: Verifiers,
): ScramVerifier | Promise<ScramVerifier> {
  if (secret?.kind === "scram") return secret.verifier;
  if (secret?.kind === "plaintext") return verifiers.verifierOf(claim, secret.password);
  return verifiers.mockOf(claim);
}

function joined(
  secret: Secret | null,
  verifier: ScramVerifier,
  previous: Secret | null,
  before: ScramVerifier | null,
): LoginVerifiers {
  const present = { secret, verifier };
  return before === null ? [present] : [present, { secret: previous, verifier: before }];
}

/**
 * Returns the verifiers beside the first that the same SCRAM exchange can check: a client salts its password
 * once, before anybody knows which one it has.
 */
export function scramAlternatives([first, ...others]: LoginVerifiers): readonly ScramVerifier[] {
  return others
    .filter(
      ({ secret, verifier }) => secret?.kind !== "md5" && sameSalting(verifier, first.verifier),
    )
    .map(({ verifier }) => verifier);
}

/** Returns the MD5 verifiers beside a first one; none of a secret that is known by SCRAM only. */
export function md5Alternatives(previous: Secret | null, role: string): readonly string[] {
  if (previous === null || previous.kind === "scram") return [];
  return [previous.kind === "md5" ? previous.verifier : md5Verifier(role, previous.password)];
}

/**
 * Returns the secret of which `password` is, or null: the check of a password in clear text. All are tried,
 * each with its PBKDF2 unless the one before had the same salt.
 */
export async function secretOfPassword(
  password: string,
  role: string,
  verifiers: LoginVerifiers,
): Promise<Secret | null> {
  const [first, second] = verifiers;
  const salted = await salt(password, first.verifier);
  const found = matches(first, password, role, salted) ? first.secret : null;
  if (second === undefined) return found;
  const saltedAgain = sameSalting(first.verifier, second.verifier)
    ? salted
    : await salt(password, second.verifier);
  return found ?? (matches(second, password, role, saltedAgain) ? second.secret : null);
}

/** Returns the keys that a password in clear text is worth where only its verifier is known, or null. */
export async function passwordKeys(
  secret: Secret,
  password: string,
): Promise<ScramLoginKeys | null> {
  if (secret.kind !== "scram") return null;
  return scramKeysFromSaltedPassword(await salt(password, secret.verifier));
}

function salt(password: string, verifier: ScramVerifier): Promise<Uint8Array> {
  return saltPassword(password, verifier.salt, verifier.iterations);
}

function matches(
  { secret, verifier }: LoginVerifier,
  password: string,
  role: string,
  salted: Uint8Array,
): boolean {
  if (secret?.kind === "md5") return matchesCleartextPassword(secret, role, password);
  return matchesSaltedPassword(verifier, salted);
}
