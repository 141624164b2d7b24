/**
 * One step of what a simulated client says: messages that are sent together.
 */

export interface Step {
  /** For the trace. */
  readonly name: string;
  readonly messages: readonly Uint8Array[];
  /** Why PostgreSQL alone would answer something else; null: it would not. */
  readonly differs: string | null;
}

export function step(name: string, ...messages: readonly Uint8Array[]): Step {
  return { name, messages, differs: null };
}
