/**
 * A log that keeps every line of every level, to look for what must not be in it.
 */

import type { LogFields, Logger } from "../../../../src/base/logger.ts";

export class LogKeeper implements Logger {
  readonly #lines: string[] = [];

  /** All lines so far, fields and text. */
  get text(): string {
    return this.#lines.join("\n");
  }

  debug(fields: LogFields, message: string): void {
    this.#keep("debug", fields, message);
  }

  info(fields: LogFields, message: string): void {
    this.#keep("info", fields, message);
  }

  warn(fields: LogFields, message: string): void {
    this.#keep("warn", fields, message);
  }

  error(fields: LogFields, message: string): void {
    this.#keep("error", fields, message);
  }

  /** The lines that tell of a mistake of ours. */
  get errors(): readonly string[] {
    return this.#lines.filter((line) => line.startsWith("error "));
  }

  #keep(level: string, fields: LogFields, message: string): void {
    this.#lines.push(`${level} ${JSON.stringify(fields)} ${message}`);
  }
}
