/**
 * Problems of fields as an answer tells them: by field, as Supavisor does, and one by one for programs.
 */

import { type FieldProblem, formatFieldPath } from "../tenants/field-problem.ts";

export interface FieldErrors {
  /** What is wrong with each field, by its path: `users[0].pool_size`. What is meant as a whole is `""`. */
  readonly errors: Readonly<Record<string, readonly string[]>>;
  readonly problems: readonly FieldProblem[];
}

/** Who has so many mistakes has made one, and does not want megabytes of answer. */
const PROBLEMS_MAX = 100;

/** Returns the first hundred of `problems`. */
export function fieldErrors(problems: readonly FieldProblem[]): FieldErrors {
  const told = problems.slice(0, PROBLEMS_MAX);
  const errors = Object.groupBy(told, ({ path }) => formatFieldPath(path));
  return {
    errors: Object.fromEntries(
      Object.entries(errors).map(([field, ofField = []]) => [
        field,
        ofField.map(({ message, value }) =>
          value === undefined ? message : `${message}, not ${value}`,
        ),
      ]),
    ),
    problems: told,
  };
}
