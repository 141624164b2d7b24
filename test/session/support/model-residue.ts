/**
 * What commands leave behind on a {@link ModelPostgres}, outside of any transaction: a next client must not
 * find it there. To be on the safe side a rollback takes nothing of it away.
 */

type Residue = "a channel" | "a statement" | "a cursor" | "a temporary table";

/** Commands by their first word: what they leave (or take away) and their tag. */
const LEAVES: Readonly<Record<string, readonly [Residue, string]>> = {
  listen: ["a channel", "LISTEN"],
  declare: ["a cursor", "DECLARE CURSOR"],
  create: ["a temporary table", "CREATE TABLE"],
  prepare: ["a statement", "PREPARE"],
};
const TAKES_AWAY: Readonly<Record<string, readonly [Residue, string]>> = {
  unlisten: ["a channel", "UNLISTEN"],
  close: ["a cursor", "CLOSE CURSOR ALL"],
  discard: ["a temporary table", "DISCARD TEMP"],
  deallocate: ["a statement", "DEALLOCATE ALL"],
};

/** Where PostgreSQL shows them. */
const PROBED: Readonly<Record<string, Residue>> = {
  cursors: "a cursor",
  listening_channels: "a channel",
  depend: "a temporary table",
};

export class ModelResidue {
  readonly #left = new Set<Residue>();

  /** In words, one of those that are there; null: nothing is. */
  get any(): string | null {
    for (const residue of this.#left) return residue;
    return null;
  }

  /** Answers, in the order of the question, which reasons for a pin are there: t or f for each. */
  probe(sql: string): readonly string[] {
    const asked = sql.matchAll(/pg_(cursors|listening_channels|locks|depend)\b/g);
    return [...asked].map(([, catalog = ""]) => {
      const residue = PROBED[catalog];
      return residue !== undefined && this.#left.has(residue) ? "t" : "f";
    });
  }

  clear(): void {
    this.#left.clear();
  }

  /** Runs a command that leaves something or takes it away. Returns its tag, or null where it is none. */
  run(sql: string): string | null {
    const word = sql.split(" ", 1)[0] ?? "";
    const left = LEAVES[word];
    const taken = TAKES_AWAY[word];
    if (left !== undefined) this.#left.add(left[0]);
    if (taken !== undefined) this.#left.delete(taken[0]);
    return (left ?? taken)?.[1] ?? null;
  }
}
