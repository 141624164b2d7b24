/**
 * The settings of a {@link ModelPostgres}: any name that one sets is one. A rollback takes back what its
 * transaction set. Of `application_name` the client is told, as PostgreSQL does: before ReadyForQuery.
 */

import { parameterStatus } from "./backend-messages.ts";

export const REPORTED_SETTING = "application_name";

const SET = /^set (\w+) to (\w+)$/;
const RESET = /^reset "?(\w+)"?$/;
const SET_CONFIG = /set_config\(e'(\w+)',e'(\w*)',false\)/g;

type Values = ReadonlyMap<string, string>;

export class ModelSettings {
  /** What the client set when it connected: RESET goes back to it. */
  readonly #startup: Values;
  #values: Values;
  /** What a rollback goes back to. */
  #before: Values;
  #reported = "";

  constructor(startup: Values) {
    this.#startup = startup;
    this.#values = startup;
    this.#before = startup;
  }

  /** Name and value of all that are set. */
  get entries(): Iterable<readonly [string, string]> {
    return this.#values;
  }

  /** Returns what `show` says; null: the default. */
  get(name: string): string | null {
    return this.#values.get(name) ?? null;
  }

  begin(): void {
    this.#before = this.#values;
  }

  rollback(): void {
    this.#values = this.#before;
  }

  resetAll(): void {
    this.#values = this.#startup;
  }

  /** Runs a SET or RESET of one setting. Returns its tag, or null where it is neither. */
  run(sql: string): string | null {
    const set = SET.exec(sql);
    if (set !== null) {
      this.#set(set[1] ?? "", set[2] ?? "");
      return "SET";
    }
    const reset = RESET.exec(sql);
    if (reset === null) return null;
    this.#reset(reset[1] ?? "");
    return "RESET";
  }

  /** Runs the set_config() calls of a SELECT. Returns whether there are any. */
  runCalls(sql: string): boolean {
    let any = false;
    for (const [, name, value] of sql.matchAll(SET_CONFIG)) {
      this.#set(name ?? "", value ?? "");
      any = true;
    }
    return any;
  }

  /** Returns what the client has to be told since the last call; null: nothing. */
  takeReport(): Uint8Array | null {
    const value = this.get(REPORTED_SETTING) ?? "";
    if (value === this.#reported) return null;
    this.#reported = value;
    return parameterStatus(REPORTED_SETTING, value);
  }

  #reset(name: string): void {
    const values = new Map(this.#values);
    const value = this.#startup.get(name);
    if (value === undefined) values.delete(name);
    else values.set(name, value);
    this.#values = values;
  }

  #set(name: string, value: string): void {
    this.#values = new Map(this.#values).set(name, value);
  }
}
