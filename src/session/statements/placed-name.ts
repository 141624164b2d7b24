/**
 * The names of statements that a server judges for its present client, and the note of a Parse of ours under one of
 * them; see own-names.ts.
 */

import type { Statement } from "./statement.ts";

/**
 * The names of the present client that its server judges. The statement that stands behind a name there, as long as
 * that is certain; null: the server knows.
 */
export type OwnNames = Map<string, Statement | null>;

/** The note of a Parse of ours under a name of the client's. */
export class PlacedName {
  readonly #names: OwnNames;
  readonly #name: string;

  constructor(names: OwnNames, name: string) {
    this.#names = names;
    this.#name = name;
  }

  /** It was refused or skipped: the name means nothing there. */
  undo(): void {
    this.#names.delete(this.#name);
  }
}
