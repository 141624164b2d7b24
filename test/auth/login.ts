/**
 * The two sides of a SCRAM exchange as its tests need them.
 */

import type { ChannelBinding } from "../../src/auth/channel-binding.ts";
import { type ScramVerifier, verifierFromSaltedPassword } from "../../src/auth/scram-verifier.ts";
import { saltPassword } from "./salted-password.ts";

export const CLIENT_NONCE = "fyko+d2lbbFgONRv9qkxdawL";
export const SERVER_NONCE = "3rfcNHYJY1ZVvWVs7j";

/** A channel binding by the hash of some certificate. */
export const BINDING: ChannelBinding = {
  type: "tls-server-end-point",
  data: new Uint8Array(32).fill(7),
};

/** A verifier of `password`; cheap, because tests make many. */
export function verifierOf(
  password: string,
  salt: Uint8Array = new Uint8Array(16).fill(1),
  iterations = 2,
): ScramVerifier {
  return verifierFromSaltedPassword(saltPassword(password, salt, iterations), salt, iterations);
}

export function toText(message: Uint8Array): string {
  return Buffer.from(message).toString("latin1");
}
