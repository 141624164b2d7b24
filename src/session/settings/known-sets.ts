/**
 * What SET and RESET outside a transaction have made of a client's settings, where their texts say it: nobody has to
 * ask PostgreSQL which settings hold.
 */

import type { SettingEntries } from "./session-settings.ts";
import { ALL, type SetCommand } from "./set-command.ts";
import { LISTS_OF_NAMES } from "./set-note.ts";

/** More than this within one hold are asked for. */
const SETS_MAX = 64;

/** Who one is, which takes effect on others; of a transaction, or not to be read back. */
const NOT_KNOWN: ReadonlySet<string> = new Set([
  "role",
  "session_authorization",
  "transaction_isolation",
  "transaction_read_only",
  "transaction_deferrable",
  "seed",
]);

const PLAIN_ITEM = /^[a-z_][a-z_0-9]*$/;

export class KnownSets {
  readonly #commands: SetCommand[] = [];

  get size(): number {
    return this.#commands.length;
  }

  clear(): void {
    this.#commands.length = 0;
  }

  /** A command went through. Returns false where its meaning has to be asked for. */
  add(command: SetCommand): boolean {
    const { name, value } = command;
    if (NOT_KNOWN.has(name) || this.size >= SETS_MAX) return false;
    // PostgreSQL puts quotes around an item that needs them.
    if (value !== null && LISTS_OF_NAMES.has(name) && !PLAIN_ITEM.test(value)) return false;
    this.#commands.push(command);
    return true;
  }

  /**
   * Carries them out on `entries`, but for parameters that the server reports: of those it says itself what they are.
   * @param asked what the client asked for when it connected
   * @param reported the names of those parameters
   */
  applyTo(entries: Map<string, string>, asked: SettingEntries, reported: Iterable<string>): void {
    const told = new Set([...reported].map((name) => name.toLowerCase()));
    for (const { name, value } of this.#commands) {
      const names = name === ALL ? [...entries.keys()] : [name];
      for (const each of names)
        if (!told.has(each) && !NOT_KNOWN.has(each)) put(entries, each, value ?? asked.get(each));
    }
  }
}

/** A custom setting that was reset is empty from then on, not unknown. */
function put(entries: Map<string, string>, name: string, value: string | undefined): void {
  if (value !== undefined) entries.set(name, value);
  else if (name.includes(".")) entries.set(name, "");
  else entries.delete(name);
}
