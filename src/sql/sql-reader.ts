/**
 * Tells the {@link Effects} of texts that have passed the gate (stateful-text.ts). Never throws, and its time and
 * memory are bounded: long texts are not parsed, and what was read lately is remembered.
 */

import { customNames } from "./custom-names.ts";
import type { Effects } from "./effects.ts";
import { type Grammar, NO_GRAMMAR } from "./grammar.ts";
import { guessEffects } from "./guess-effects.ts";
import { preparedBody } from "./prepared-body.ts";
import { TreeEffects } from "./tree-effects.ts";

/** Longer texts are not parsed: the worst of 16 KB takes the grammar some 20 ms, a usual statement 0.03 ms. */
export const SQL_BYTES_MAX = 16_384;

/** What is remembered: some statements of many applications, or the many of one. */
const REMEMBERED_MAX = 4_096;
const REMEMBERED_CHARACTERS_MAX = 4_194_304;

export class SqlReader {
  readonly #grammar: Grammar;
  /** The first is the one not asked for for longest. */
  readonly #remembered = new Map<string, Effects>();
  #rememberedCharacters = 0;

  constructor(grammar: Grammar = NO_GRAMMAR) {
    this.#grammar = grammar;
  }

  /** How many texts are remembered. */
  get size(): number {
    return this.#remembered.size;
  }

  /** How many characters the texts remembered have. */
  get characters(): number {
    return this.#rememberedCharacters;
  }

  /** Returns what the whole text may leave behind. Where nobody can read it, that is the most. */
  effectsOf(sql: string): Effects {
    const known = this.#remembered.get(sql);
    if (known !== undefined) {
      this.#remembered.delete(sql);
      this.#remembered.set(sql, known);
      return known;
    }
    if (sql.length > SQL_BYTES_MAX) return guessEffects(sql);
    const tree = this.#grammar.parse(sql);
    if (tree === undefined) return guessEffects(sql);
    const effects = tree === null ? guessEffects(sql) : understood(sql, tree);
    this.#remember(sql, effects);
    return effects;
  }

  /**
   * Returns the text behind AS of the last PREPARE of `name` in `sql`, in its place; null where there is none.
   */
  preparedBody(sql: string, name: string): string | null {
    return sql.length > SQL_BYTES_MAX ? null : preparedBody(this.#grammar, sql, name);
  }

  /** Returns a short name of the statement, the same whatever its constants are; null: it can't be read. */
  fingerprint(sql: string): string | null {
    return sql.length > SQL_BYTES_MAX ? null : this.#grammar.fingerprint(sql);
  }

  /** Returns the statement without its constants; null: it can't be read. */
  normalize(sql: string): string | null {
    return sql.length > SQL_BYTES_MAX ? null : this.#grammar.normalize(sql);
  }

  #remember(sql: string, effects: Effects): void {
    this.#remembered.set(sql, effects);
    this.#rememberedCharacters += sql.length;
    for (const oldest of this.#remembered.keys()) {
      if (
        this.#remembered.size <= REMEMBERED_MAX &&
        this.#rememberedCharacters <= REMEMBERED_CHARACTERS_MAX
      )
        return;
      this.#remembered.delete(oldest);
      this.#rememberedCharacters -= oldest.length;
    }
  }
}

function understood(sql: string, tree: unknown): Effects {
  const found = new TreeEffects().read(tree);
  return {
    understood: true,
    keepsUnseen: found.keepsUnseen,
    customNames: customNames(sql),
    pins: found.pins,
    releases: found.releases,
    statementNames: [...found.statementNames],
    prepares: found.prepares,
    forgets: found.forgets,
    creates: found.creates,
    copiesIn: found.copiesIn,
  };
}
