/**
 * What is wrong with the settings, in sentences for an operator.
 */

/** One line each. None of them holds a secret. */
export interface Findings {
  /** Carpool can't run like this. */
  readonly problems: readonly string[];
  /** It can, but probably not as it was meant. */
  readonly warnings: readonly string[];
}
