/**
 * The server's side of one SCRAM-SHA-256(-PLUS) exchange (RFC 5802, 7677), with PostgreSQL's rules.
 * It knows nothing of the messages that carry SASL; randomness comes in as the nonce.
 *
 *   fresh --start--> challenged --finish--> over
 *
 * A step that throws ends in `over` too: one exchange, one try.
 */

import { assert } from "../base/assert.ts";
import { type ChannelBinding, TLS_SERVER_END_POINT } from "./channel-binding.ts";
import { ChannelBindingError } from "./channel-binding-error.ts";
import { formatChannelBinding, parseClientFinalMessage } from "./client-final-message.ts";
import { formatGs2Header, type Gs2Flag, parseClientFirstMessage } from "./client-first-message.ts";
import { equalInConstantTime } from "./constant-time.ts";
import { InvalidPasswordError } from "./invalid-password-error.ts";
import { malformedScramMessage, SaslProtocolError } from "./sasl-protocol-error.ts";
import { SCRAM_SHA_256, SCRAM_SHA_256_PLUS, type ScramMechanism } from "./scram-mechanism.ts";
import { decodeScramMessage, encodeScramMessage, isScramNonce } from "./scram-message.ts";
import { computeServerSignature, recoverClientKey } from "./scram-proof.ts";
import { type ScramVerifier, sameSalting } from "./scram-verifier.ts";
import { formatServerFinalMessage } from "./server-final-message.ts";
import { formatServerFirstMessage } from "./server-first-message.ts";
import { sha256 } from "./sha-256.ts";

export interface ScramServerOptions {
  /** The user's, or a mock one. */
  readonly verifier: ScramVerifier;
  /** Others that do as well, while a password is being changed: of the same salt and iteration count. */
  readonly alternatives?: readonly ScramVerifier[];
  /** Fresh for every exchange: 18 random bytes in base64, as PostgreSQL does. */
  readonly serverNonce: string;
  /** That of the client's TLS connection, or null without TLS or without a usable certificate. */
  readonly channelBinding: ChannelBinding | null;
}

export interface ScramServerResult {
  /** The data of AuthenticationSASLFinal. */
  readonly serverFinal: Uint8Array;
  /** The client's 32-byte key: with the verifier's ServerKey it can log in elsewhere in its name. */
  readonly clientKey: Uint8Array;
  /** That of the password which the client knows: `verifier`, or one of `alternatives`. */
  readonly verifier: ScramVerifier;
}

type Phase =
  | { readonly name: "fresh" }
  | {
      readonly name: "challenged";
      readonly flag: Gs2Flag;
      /** Both nonces. */
      readonly nonce: string;
      /** The AuthMessage up to client-final-message-without-proof. */
      readonly authMessageStart: string;
    }
  | { readonly name: "over" };

const OVER: Phase = { name: "over" };

const BINDING_MISSING =
  "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data.";
const BINDING_UNEXPECTED =
  "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message includes channel binding data.";
/** Either the client errs, or somebody took our offer of PLUS out on its way. */
const OFFER_LOST =
  "The client supports SCRAM channel binding but thinks the server does not. However, this server does support channel binding.";

export class ScramServer {
  /** All of one salt and iteration count. */
  readonly #verifiers: readonly [ScramVerifier, ...ScramVerifier[]];
  readonly #serverNonce: string;
  readonly #channelBinding: ChannelBinding | null;
  #phase: Phase = { name: "fresh" };

  constructor(options: ScramServerOptions) {
    assert(isScramNonce(options.serverNonce), "a nonce is printable and has no comma");
    const { verifier, alternatives = [] } = options;
    for (const alternative of alternatives)
      assert(sameSalting(alternative, verifier), "all verifiers of an exchange share their salt");
    this.#verifiers = [verifier, ...alternatives];
    this.#serverNonce = options.serverNonce;
    this.#channelBinding = options.channelBinding;
  }

  /** Returns what to offer in AuthenticationSASL, the preferred one first. */
  mechanisms(): readonly ScramMechanism[] {
    return this.#channelBinding === null ? [SCRAM_SHA_256] : [SCRAM_SHA_256_PLUS, SCRAM_SHA_256];
  }

  /**
   * Takes the mechanism and the data of SASLInitialResponse; returns the data of
   * AuthenticationSASLContinue, with the verifier's own salt and iteration count.
   * Throws a SaslProtocolError, UnsupportedSaslError or ChannelBindingError.
   */
  start(mechanism: string, clientFirst: Uint8Array): Uint8Array {
    const { name } = this.#leavePhase();
    if (name !== "fresh") throw new SaslProtocolError("unexpected SASL initial response");
    const chosen = this.mechanisms().find((offered) => offered === mechanism);
    if (chosen === undefined)
      throw new SaslProtocolError("client selected an invalid SASL authentication mechanism");
    const first = parseClientFirstMessage(decodeScramMessage(clientFirst));
    this.#checkFlag(chosen, first.flag);
    const nonce = first.nonce + this.#serverNonce;
    const { salt, iterations } = this.#verifiers[0];
    const serverFirst = formatServerFirstMessage({ nonce, salt, iterations });
    this.#phase = {
      name: "challenged",
      flag: first.flag,
      nonce,
      authMessageStart: `${first.bare},${serverFirst}`,
    };
    return encodeScramMessage(serverFirst);
  }

  /**
   * Takes the data of SASLResponse and checks its proof. Throws an InvalidPasswordError if it is
   * wrong, and a SaslProtocolError, UnsupportedSaslError or ChannelBindingError as `start` does.
   */
  finish(clientFinal: Uint8Array): ScramServerResult {
    const phase = this.#leavePhase();
    if (phase.name !== "challenged") throw new SaslProtocolError("unexpected SASL response");
    const final = parseClientFinalMessage(decodeScramMessage(clientFinal));
    this.#checkBinding(phase.flag, final.channelBinding);
    if (final.nonce !== phase.nonce)
      throw new SaslProtocolError("invalid SCRAM response", "Nonce does not match.");
    const authMessage = `${phase.authMessageStart},${final.withoutProof}`;
    const { clientKey, verifier } = this.#provenBy(final.proof, authMessage);
    const signature = computeServerSignature(verifier.serverKey, authMessage);
    const serverFinal = encodeScramMessage(formatServerFinalMessage(signature));
    return { serverFinal, clientKey, verifier };
  }

  /** Throws an InvalidPasswordError. Every verifier is tried: how long it takes says nothing of which fits. */
  #provenBy(
    proof: Uint8Array,
    authMessage: string,
  ): { readonly clientKey: Uint8Array; readonly verifier: ScramVerifier } {
    const [proven] = this.#verifiers.flatMap((verifier) => {
      const clientKey = recoverClientKey(proof, verifier.storedKey, authMessage);
      const fits = equalInConstantTime(sha256(clientKey), verifier.storedKey);
      return fits ? [{ clientKey, verifier }] : [];
    });
    if (proven === undefined) throw new InvalidPasswordError();
    return proven;
  }

  /** Returns the phase, and is in `over` unless the step that called it enters another. */
  #leavePhase(): Phase {
    const phase = this.#phase;
    this.#phase = OVER;
    return phase;
  }

  /** Throws unless `flag` agrees with `mechanism` and with what was offered. */
  #checkFlag(mechanism: ScramMechanism, flag: Gs2Flag): void {
    const requiresBinding = mechanism === SCRAM_SHA_256_PLUS;
    if (flag === "n" || flag === "y") {
      if (requiresBinding) throw malformedScramMessage(BINDING_MISSING);
      if (flag === "y" && this.#channelBinding !== null)
        throw new ChannelBindingError("SCRAM channel binding negotiation error", OFFER_LOST);
      return;
    }
    if (!requiresBinding) throw malformedScramMessage(BINDING_UNEXPECTED);
    if (flag !== `p=${TLS_SERVER_END_POINT}`)
      throw new SaslProtocolError("unsupported SCRAM channel-binding type");
  }

  /** Throws unless `value`, that of `c=`, is what follows from the client's first message. */
  #checkBinding(flag: Gs2Flag, value: string): void {
    const bound = flag !== "n" && flag !== "y";
    const channelBindingBytes = bound ? (this.#channelBinding?.data ?? null) : null;
    if (value === formatChannelBinding(formatGs2Header(flag), channelBindingBytes)) return;
    if (bound) throw new ChannelBindingError("SCRAM channel binding check failed");
    throw new SaslProtocolError(
      "unexpected SCRAM channel-binding attribute in client-final-message",
    );
  }
}
