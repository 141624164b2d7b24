/**
 * client-final-message (RFC 5802 section 7):
 * `c=<GS2 header and channel binding data, base64>,r=<both nonces>[,<extensions>],p=<proof, base64>`
 */

import { decodeBase64, encodeBase64 } from "./base64.ts";
import { malformedScramMessage } from "./sasl-protocol-error.ts";
import { expectAttribute, expectNonce, parseScramAttributes } from "./scram-message.ts";
import { SHA_256_BYTES } from "./sha-256.ts";

export interface ClientFinalMessage {
  /** The value of `c=`, still in base64: it is only ever compared. */
  readonly channelBinding: string;
  /** Both nonces. Printable ASCII, at least one character. */
  readonly nonce: string;
  /** 32 bytes. */
  readonly proof: Uint8Array;
  /** The message up to its proof: client-final-message-without-proof. */
  readonly withoutProof: string;
}

/** Returns the parts of `text`. Throws a SaslProtocolError or an UnsupportedSaslError. */
export function parseClientFinalMessage(text: string): ClientFinalMessage {
  const attributes = parseScramAttributes(text);
  const [channelBinding, nonce] = attributes;
  const proofIndex = attributes.findIndex(({ name }) => name === "p");
  if (proofIndex !== -1 && proofIndex !== attributes.length - 1)
    throw malformedScramMessage("Garbage found at the end of client-final-message.");
  return {
    channelBinding: expectAttribute(channelBinding, "c"),
    nonce: expectNonce(expectAttribute(nonce, "r")),
    proof: parseProof(expectAttribute(attributes.at(-1), "p")),
    withoutProof: text.slice(0, text.lastIndexOf(",")),
  };
}

/** Returns the text of client-final-message-without-proof. `channelBinding` is base64. */
export function formatClientFinalWithoutProof(channelBinding: string, nonce: string): string {
  return `c=${channelBinding},r=${nonce}`;
}

/** Returns the text of the whole message. */
export function formatClientFinalMessage(withoutProof: string, proof: Uint8Array): string {
  return `${withoutProof},p=${encodeBase64(proof)}`;
}

/**
 * Returns the value of `c=` for a GS2 header and the channel binding data that go with it: none
 * unless its flag is `p`.
 */
export function formatChannelBinding(gs2Header: string, data: Uint8Array | null): string {
  if (data === null) return btoa(gs2Header);
  return encodeBase64(Buffer.concat([Buffer.from(gs2Header, "latin1"), data]));
}

function parseProof(text: string): Uint8Array {
  const proof = decodeBase64(text);
  if (proof === null || proof.byteLength !== SHA_256_BYTES)
    throw malformedScramMessage("Malformed proof in client-final-message.");
  return proof;
}
