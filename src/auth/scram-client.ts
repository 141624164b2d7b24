/**
 * The client's side of one SCRAM-SHA-256(-PLUS) exchange (RFC 5802, 7677): Carpool toward a server,
 * which it does not trust. The keys are derived elsewhere, off the serving thread, or passed through
 * from a client's own login.
 *
 *   fresh --clientFirst--> greeted --onServerFirst--> challenged
 *         --clientFinal--> proven --onServerFinal--> verified
 *
 * A step that throws ends in `over`.
 */

import { assert } from "../base/assert.ts";
import { type ChannelBinding, TLS_SERVER_END_POINT } from "./channel-binding.ts";
import {
  formatChannelBinding,
  formatClientFinalMessage,
  formatClientFinalWithoutProof,
} from "./client-final-message.ts";
import { formatClientFirstBare, formatGs2Header, type Gs2Flag } from "./client-first-message.ts";
import { equalInConstantTime } from "./constant-time.ts";
import { SaslProtocolError } from "./sasl-protocol-error.ts";
import { ScramIterationsError } from "./scram-iterations-error.ts";
import type { ScramLoginKeys } from "./scram-keys.ts";
import { SCRAM_SHA_256, SCRAM_SHA_256_PLUS, type ScramMechanism } from "./scram-mechanism.ts";
import { decodeScramMessage, encodeScramMessage, isScramNonce } from "./scram-message.ts";
import { computeClientProof, computeServerSignature } from "./scram-proof.ts";
import { parseServerFinalMessage } from "./server-final-message.ts";
import { parseServerFirstMessage } from "./server-first-message.ts";
import { ServerSignatureError } from "./server-signature-error.ts";
import { UnsupportedSaslError } from "./unsupported-sasl-error.ts";

/**
 * PBKDF2 with this count takes about 12 ms of a core. PostgreSQL's default is 4096, and OWASP's advice
 * for passwords that people choose lies above it: raise the limit for servers that follow it.
 */
export const SCRAM_ITERATIONS_MAX_DEFAULT = 100_000;

export interface ScramClientOptions {
  /** The mechanisms of AuthenticationSASL. Unknown ones are passed over. */
  readonly mechanisms: readonly string[];
  /** Fresh for every exchange: 18 random bytes in base64, as libpq does. */
  readonly clientNonce: string;
  /** That of the server's certificate, or null without TLS or without a usable certificate. */
  readonly channelBinding: ChannelBinding | null;
  /** The highest iteration count to accept. {@link SCRAM_ITERATIONS_MAX_DEFAULT} if absent. */
  readonly iterationsMax?: number;
}

/** How the server wants the password salted. */
export interface ScramChallenge {
  /** At least one byte. */
  readonly salt: Uint8Array;
  /** From 1 to the limit. */
  readonly iterations: number;
}

type Phase =
  | { readonly name: "fresh" }
  | { readonly name: "greeted" }
  | { readonly name: "challenged"; readonly nonce: string; readonly serverFirst: string }
  | { readonly name: "proven"; readonly serverSignature: Uint8Array }
  | { readonly name: "verified" }
  | { readonly name: "over" };

const OVER: Phase = { name: "over" };

export class ScramClient {
  /** What to name in SASLInitialResponse. */
  readonly mechanism: ScramMechanism;
  readonly #flag: Gs2Flag;
  readonly #clientNonce: string;
  readonly #channelBinding: ChannelBinding | null;
  readonly #iterationsMax: number;
  #phase: Phase = { name: "fresh" };

  /** Throws an UnsupportedSaslError if the server offers no mechanism that we speak. */
  constructor(options: ScramClientOptions) {
    assert(isScramNonce(options.clientNonce), "a nonce is printable and has no comma");
    this.mechanism = chooseMechanism(options.mechanisms, options.channelBinding);
    this.#flag = chooseFlag(this.mechanism, options.channelBinding);
    this.#clientNonce = options.clientNonce;
    this.#channelBinding = options.channelBinding;
    this.#iterationsMax = options.iterationsMax ?? SCRAM_ITERATIONS_MAX_DEFAULT;
  }

  /**
   * Whether the server has shown that it knows the password's verifier. An AuthenticationOk that
   * comes before is not to be believed.
   */
  get verified(): boolean {
    return this.#phase.name === "verified";
  }

  /** Returns the data of SASLInitialResponse. The first step. */
  clientFirst(): Uint8Array {
    const { name } = this.#leavePhase();
    assert(name === "fresh", "clientFirst is the first step");
    this.#phase = { name: "greeted" };
    const bare = formatClientFirstBare(this.#clientNonce);
    return encodeScramMessage(`${formatGs2Header(this.#flag)}${bare}`);
  }

  /**
   * Takes the data of AuthenticationSASLContinue; returns what the keys for `clientFinal` must be
   * derived with. Throws a ScramIterationsError above the limit, and a SaslProtocolError or
   * UnsupportedSaslError if the message is malformed, out of turn, or not an answer to ours.
   */
  onServerFirst(bytes: Uint8Array): ScramChallenge {
    const { name } = this.#leavePhase();
    if (name !== "greeted") throw new SaslProtocolError("unexpected SASL challenge");
    const serverFirst = decodeScramMessage(bytes);
    const { nonce, salt, iterations } = parseServerFirstMessage(serverFirst);
    if (!nonce.startsWith(this.#clientNonce) || nonce.length === this.#clientNonce.length)
      throw new SaslProtocolError("invalid SCRAM response", "Nonce does not match.");
    if (iterations > this.#iterationsMax)
      throw new ScramIterationsError(iterations, this.#iterationsMax);
    this.#phase = { name: "challenged", nonce, serverFirst };
    return { salt, iterations };
  }

  /**
   * Returns the data of SASLResponse: the proof that we have `keys`. The step after `onServerFirst`,
   * whose salt and iteration count the keys must fit.
   */
  clientFinal(keys: ScramLoginKeys): Uint8Array {
    const phase = this.#leavePhase();
    assert(phase.name === "challenged", "clientFinal follows onServerFirst");
    const withoutProof = formatClientFinalWithoutProof(this.#bindingValue(), phase.nonce);
    const clientFirstBare = formatClientFirstBare(this.#clientNonce);
    const authMessage = `${clientFirstBare},${phase.serverFirst},${withoutProof}`;
    const serverSignature = computeServerSignature(keys.serverKey, authMessage);
    this.#phase = { name: "proven", serverSignature };
    const proof = computeClientProof(keys.clientKey, authMessage);
    return encodeScramMessage(formatClientFinalMessage(withoutProof, proof));
  }

  /**
   * Takes the data of AuthenticationSASLFinal. Afterwards the server is `verified`, or this has
   * thrown: a ServerSignatureError where its signature is wrong, a ServerRejectionError where it sent
   * an error, a SaslProtocolError or UnsupportedSaslError where the message is malformed or out of
   * turn.
   */
  onServerFinal(bytes: Uint8Array): void {
    const phase = this.#leavePhase();
    if (phase.name !== "proven") throw new SaslProtocolError("unexpected SASL outcome");
    const signature = parseServerFinalMessage(decodeScramMessage(bytes));
    if (!equalInConstantTime(signature, phase.serverSignature)) throw new ServerSignatureError();
    this.#phase = { name: "verified" };
  }

  /** Returns the phase, and is in `over` unless the step that called it enters another. */
  #leavePhase(): Phase {
    const phase = this.#phase;
    this.#phase = OVER;
    return phase;
  }

  #bindingValue(): string {
    const bound = this.mechanism === SCRAM_SHA_256_PLUS ? this.#channelBinding : null;
    return formatChannelBinding(formatGs2Header(this.#flag), bound?.data ?? null);
  }
}

function chooseMechanism(
  offered: readonly string[],
  channelBinding: ChannelBinding | null,
): ScramMechanism {
  if (channelBinding !== null && offered.includes(SCRAM_SHA_256_PLUS)) return SCRAM_SHA_256_PLUS;
  if (offered.includes(SCRAM_SHA_256)) return SCRAM_SHA_256;
  throw new UnsupportedSaslError(
    "none of the server's SASL authentication mechanisms are supported",
  );
}

/** With a binding at hand but no PLUS on offer, `y` lets a server that did offer it see the theft. */
function chooseFlag(mechanism: ScramMechanism, channelBinding: ChannelBinding | null): Gs2Flag {
  if (mechanism === SCRAM_SHA_256_PLUS) return `p=${TLS_SERVER_END_POINT}`;
  return channelBinding === null ? "n" : "y";
}
