/**
 * Remembers what was made for a text, because thousands of schedules say and hear the same things. What is
 * handed out is shared: not to be written to.
 */

/** Then it forgets all, and begins again. */
const ENTRIES_MAX = 20_000;

export class Memo<T> {
  readonly #make: (text: string) => T;
  readonly #made = new Map<string, T>();

  constructor(make: (text: string) => T) {
    this.#make = make;
  }

  get(text: string): T {
    const known = this.#made.get(text);
    if (known !== undefined) return known;
    if (this.#made.size >= ENTRIES_MAX) this.#made.clear();
    const made = this.#make(text);
    this.#made.set(text, made);
    return made;
  }
}
