/**
 * What is wrong with one field of a tenant, as data: the API, `carpool apply` and the tests each
 * render it in their own way.
 */

/** Where a field stands in its tenant: `["users", 0, "pool_size"]`. */
export type FieldPath = readonly (string | number)[];

export interface FieldProblem {
  readonly path: FieldPath;
  /** The refused value as JSON, at most 80 characters. Absent where it may be a secret, or is no scalar. */
  readonly value?: string | undefined;
  /** A clause that continues the field's name: "must be true or false". */
  readonly message: string;
}

/** A checked value, or everything that is wrong with it. */
export type Validation<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly FieldProblem[] };

const VALUE_CHARACTERS_MAX = 80;

/** Returns the path as people write it: `users[0].pool_size`; the tenant itself is "". */
export function formatFieldPath(path: FieldPath): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else text += text === "" ? step : `.${step}`;
  }
  return text;
}

/** Returns one line: `users[0].pool_size must be a whole number from 1 to 10000, not 0`. */
export function formatFieldProblem(problem: FieldProblem): string {
  const field = formatFieldPath(problem.path);
  const sentence = field === "" ? problem.message : `${field} ${problem.message}`;
  return problem.value === undefined ? sentence : `${sentence}, not ${problem.value}`;
}

/** Returns a scalar as JSON, cut at 80 characters; undefined for anything else. */
export function displayValue(value: unknown): string | undefined {
  if (value === null || !["string", "number", "boolean"].includes(typeof value)) return undefined;
  const text = JSON.stringify(value);
  return text.length <= VALUE_CHARACTERS_MAX ? text : `${text.slice(0, VALUE_CHARACTERS_MAX)}…`;
}
