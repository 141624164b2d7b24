/**
 * The prepared statements of a {@link ModelPostgres}, the unnamed one under the empty name.
 */

import type { Command } from "./model-commands.ts";
import { ModelError } from "./model-error.ts";

export class ModelStatements {
  readonly #byName = new Map<string, Command>();

  /** How many there are without the unnamed one. */
  get named(): number {
    return this.#byName.size - (this.#byName.has("") ? 1 : 0);
  }

  /** @throws {ModelError} */
  get(name: string): Command {
    const command = this.#byName.get(name);
    if (command === undefined)
      throw new ModelError("26000", `prepared statement "${name}" does not exist`);
    return command;
  }

  /** @throws {ModelError} when the name is in use */
  add(name: string, command: Command): void {
    if (this.#byName.has(name))
      throw new ModelError("42P05", `prepared statement "${name}" already exists`);
    this.#byName.set(name, command);
  }

  forget(name: string): void {
    this.#byName.delete(name);
  }

  /** As DEALLOCATE ALL: the unnamed one stays. */
  forgetNamed(): void {
    for (const name of this.#byName.keys()) if (name !== "") this.#byName.delete(name);
  }
}
