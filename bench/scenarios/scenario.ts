/**
 * What a client does over and over while it is measured.
 */

/** One request and the only reply that is right, byte for byte: its rows, its tags, and its transaction status. */
export interface Exchange {
  readonly request: Buffer;
  readonly reply: Buffer;
}

export interface Scenario {
  /** How `--scenario` and the table name it. */
  readonly name: string;
  /** What it measures, in a sentence. */
  readonly summary: string;
  /** Done once by every client after its login, before the clock runs. */
  readonly setup: readonly Exchange[];
  /** One transaction: exchanges done one after the other. Not empty. */
  readonly transaction: readonly Exchange[];
}
