/**
 * One step of what a simulated client says: messages that are sent together.
 */

import { joined } from "../session/support/frontend-messages.ts";

export interface Step {
  /** For the trace. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Why PostgreSQL alone would answer something else; null: it would not. */
  readonly differs: string | null;
}

export function step(name: string, ...messages: readonly Uint8Array[]): Step {
  return { name, bytes: joined(...messages), differs: null };
}
