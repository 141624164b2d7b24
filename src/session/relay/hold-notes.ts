/**
 * What is uncertain while one client has a server: names whose meaning depends on replies that are not there yet.
 */

import type { Effects } from "../../sql/effects.ts";
import type { ServerState } from "../server-state.ts";

/** No segment: no change waits to be confirmed. */
const NONE = -1;

export class HoldNotes {
  /** The segment (messages up to a Sync) in which a name or a server's statement changed last. */
  #changedIn = NONE;
  /** The segment in which the unnamed statement was last made certain. */
  unnamedIn = NONE;
  /**
   * Whether an Execute in this hold may be of a DISCARD or DEALLOCATE. Then each must be over before the
   * next message, because names mean something else afterwards.
   */
  mayForget = false;

  /** A server was taken: what was certain on another one is not on this one. */
  beginHold(): void {
    this.#changedIn = NONE;
    this.unnamedIn = NONE;
    this.mayForget = false;
  }

  /** A name or a server's statement changes in this segment. */
  noteChange(segment: number): void {
    this.#changedIn = segment;
  }

  /** What a text may leave behind that goes to the server. */
  noteEffects(effects: Effects | null, server: ServerState): void {
    if (effects?.forgets === true) this.mayForget = true;
    server.noteEffects(effects);
  }

  /** Whether a change of an earlier segment is not confirmed: it may yet be skipped after an error. */
  mustWait(segment: number, server: ServerState): boolean {
    if (server.expected.size === 0) this.#changedIn = NONE;
    return this.#changedIn !== NONE && this.#changedIn !== segment;
  }
}
