/**
 * client-first-message (RFC 5802 section 7):
 * `<gs2-cbind-flag>,[<authzid>],n=<user>,r=<client nonce>[,<extensions>]`
 */

import { malformedScramMessage } from "./sasl-protocol-error.ts";
import { expectAttribute, expectNonce, parseScramAttributes } from "./scram-message.ts";
import { UnsupportedSaslError } from "./unsupported-sasl-error.ts";

/**
 * What a client says about channel binding: `n` it has none, `y` it would but the server seems to
 * have none, `p=<type>` it does it.
 */
export type Gs2Flag = "n" | "y" | `p=${string}`;

export interface ClientFirstMessage {
  readonly flag: Gs2Flag;
  /** Printable ASCII, at least one character. */
  readonly nonce: string;
  /** The message without its GS2 header: client-first-message-bare. */
  readonly bare: string;
}

const CHANNEL_BINDING_TYPE_PATTERN = /^p=[A-Za-z0-9.-]+$/;

/** Returns the GS2 header for `flag`; there is never an authorization identity in ours. */
export function formatGs2Header(flag: Gs2Flag): string {
  return `${flag},,`;
}

/**
 * Returns the parts of `text`. Its user name is not read: the one in StartupMessage counts.
 * Throws a SaslProtocolError where `text` is malformed, and an UnsupportedSaslError where it has an
 * authorization identity or a mandatory extension.
 */
export function parseClientFirstMessage(text: string): ClientFirstMessage {
  const flagEnd = text.indexOf(",");
  const authzidEnd = text.indexOf(",", flagEnd + 1);
  if (flagEnd === -1 || authzidEnd === -1)
    throw malformedScramMessage("The GS2 header is incomplete.");
  const flag = parseGs2Flag(text.slice(0, flagEnd));
  checkAuthzid(text.slice(flagEnd + 1, authzidEnd));
  const bare = text.slice(authzidEnd + 1);
  const [user, nonce] = parseScramAttributes(bare);
  expectAttribute(user, "n");
  return { flag, nonce: expectNonce(expectAttribute(nonce, "r")), bare };
}

/** Returns client-first-message-bare with an empty user name, as libpq sends it. */
export function formatClientFirstBare(nonce: string): string {
  return `n=,r=${nonce}`;
}

function parseGs2Flag(text: string): Gs2Flag {
  if (text === "n" || text === "y") return text;
  if (CHANNEL_BINDING_TYPE_PATTERN.test(text)) return `p=${text.slice(2)}`;
  throw malformedScramMessage("Unexpected channel-binding flag.");
}

function checkAuthzid(text: string): void {
  if (text === "") return;
  if (text.startsWith("a="))
    throw new UnsupportedSaslError("client uses authorization identity, but it is not supported");
  throw malformedScramMessage("Unexpected attribute in client-first-message.");
}
