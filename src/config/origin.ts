/**
 * Where the text of a setting came from.
 */

export type Origin =
  | { readonly kind: "default" }
  | { readonly kind: "environment" }
  | { readonly kind: "file"; readonly file: string; readonly line: number };

/** A setting as it was written, and where. */
export interface WrittenSetting {
  readonly text: string;
  readonly origin: Origin;
}

/** Returns `default`, `environment` or `FILE:LINE`. */
export function describeOrigin(origin: Origin): string {
  return origin.kind === "file" ? `${origin.file}:${origin.line}` : origin.kind;
}
