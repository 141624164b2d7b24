/**
 * What a client does over and over while it is measured.
 */

/** A message of this type whose body is not known beforehand. */
export interface VaryingMessage {
  /** Its first byte, as a character. */
  readonly type: string;
}

/** Whole messages, right to the byte; or one that varies. */
export type ReplyPart = Buffer | VaryingMessage;

/** One request and the only reply that is right: its rows, its tags, and its transaction status, in their order. */
export interface Exchange {
  readonly request: Buffer;
  readonly reply: readonly ReplyPart[];
}

export interface Scenario {
  /** How `--scenario` and the table name it. */
  readonly name: string;
  /** What it measures, in a sentence. */
  readonly summary: string;
  /** With how many clients, unless `--clients` says otherwise. */
  readonly clients: readonly number[];
  /** Whether the clients are encrypted. */
  readonly tls: boolean;
  /** Whether each transaction has a connection of its own: its time and cost include the login. */
  readonly reconnects: boolean;
  /** SQL that makes what it needs in the database. May run twice. */
  readonly tables: readonly string[];
  /**
   * Done once by a client after its login, before the clock runs; none, or one that all do, or several that
   * the clients take in turn.
   */
  readonly setups: readonly (readonly Exchange[])[];
  /**
   * One transaction: exchanges done one after the other, not none. Several transactions take turns, each
   * client beginning at another one: they stand for the random numbers of a driver, ready before the clock runs.
   */
  readonly transactions: readonly (readonly Exchange[])[];
}

/** What most scenarios have in common. */
export const PLAIN = {
  clients: [16],
  tls: false,
  reconnects: false,
  tables: [],
  setups: [],
} as const satisfies Partial<Scenario>;
