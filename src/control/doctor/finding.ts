/**
 * What an examination found: one thing that was tried, how it went, and what to do about it.
 */

export type Verdict = "ok" | "warning" | "problem";

export interface Finding {
  /** What is being looked at: `name resolution`, `login of app`. */
  readonly check: string;
  readonly verdict: Verdict;
  readonly tried: string;
  readonly found: string;
  /** Null: there is nothing to do. */
  readonly advice: string | null;
}

/** Makes the findings of one check, which all tried the same. */
export class Findings {
  readonly #check: string;
  readonly #tried: string;

  constructor(check: string, tried: string) {
    this.#check = check;
    this.#tried = tried;
  }

  ok(found: string): Finding {
    return this.#finding("ok", found, null);
  }

  /** Clients can work, but not as they should, or not for long. */
  warning(found: string, advice: string): Finding {
    return this.#finding("warning", found, advice);
  }

  /** Clients cannot work. */
  problem(found: string, advice: string): Finding {
    return this.#finding("problem", found, advice);
  }

  #finding(verdict: Verdict, found: string, advice: string | null): Finding {
    return { check: this.#check, verdict, tried: this.#tried, found, advice };
  }
}
