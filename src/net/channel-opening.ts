/**
 * What an edge tells an owner when it opens a channel there: plain values, so that a link can carry
 * them between workers.
 */

import type { Channel } from "./channel.ts";
import type { TlsFacts } from "./tls-facts.ts";

/** The mode of the port that the client came to. */
export type PortMode = "transaction" | "session" | "native";

type NamedValues = readonly (readonly [name: string, value: string])[];

/** A client whose StartupMessage was read. */
export interface ChannelOpening {
  readonly portMode: PortMode;
  /** The minor version that the client asked for; the major one is 3. */
  readonly protocolMinor: number;
  /**
   * The parameters of the StartupMessage, in the client's order, `options` left out, and `database`
   * where it named the tenant.
   */
  readonly parameters: NamedValues;
  /** The settings in its `options`, in the client's order. */
  readonly optionsSettings: NamedValues;
  /** Names of options of the protocol itself (`_pq_.`). */
  readonly protocolOptions: readonly string[];
  readonly remoteAddress: string;
  /** How long ago the client connected, in milliseconds: its time to log in began then. */
  readonly connectedForMs: number;
  /** Null: the client's connection is not encrypted. */
  readonly tls: TlsFacts | null;
  /** The tenant's `external_id`; null: there is none by the names that the client gave. */
  readonly tenant: string | null;
  /** The user's name without its tenant. */
  readonly user: string;
  /**
   * Who the client says it is: user and tenant by its own words, alike however it named them, and
   * whether they exist or not.
   */
  readonly claim: string;
  /** How a tenant was looked for, for the error's DETAIL. */
  readonly waysTried: readonly string[];
  /** What the client sent behind its StartupMessage already; null: nothing. */
  readonly early: Uint8Array | null;
}

/** Who owns tenants, as an edge sees it. */
export interface ChannelOwner {
  /** From here on the channel is the owner's. */
  open(channel: Channel, opening: ChannelOpening): void;
  /** Delivers a CancelRequest; a key that is not exactly right does nothing. */
  cancel(processId: number, secretKey: Uint8Array): void;
}
