/**
 * The log of the program: JSON or text, a line an event, to a file descriptor.
 * Writes never wait: a reader that has stopped reading (a full pipe) costs lines, not the event loop.
 */

import {
  type DestinationStream,
  destination,
  type Logger as Pino,
  pino,
  stdTimeFunctions,
} from "pino";
import type { LogFields, Logger } from "../../base/logger.ts";
import type { Config } from "../../config/settings.ts";
import { textLogLine } from "./text-log-line.ts";

export type LogLevel = Config["logLevel"];

export interface ProgramLoggerOptions {
  readonly level: LogLevel;
  readonly format: Config["logFormat"];
  /** 1 is standard output. */
  readonly descriptor: number;
  /** Stands in each line of a worker's; absent: there is one process only, or it is the supervisor. */
  readonly worker?: number;
}

/** Lines that wait for their reader take at most this much; what comes then is dropped, and counted. */
const HELD_BYTES_MAX = 4 * 1024 * 1024;

/** How long the last lines may take to leave when the program ends. */
const FLUSH_DEADLINE_MS = 1000;

type Sink = ReturnType<typeof destination>;

export class ProgramLogger implements Logger {
  readonly #sink: Sink;
  readonly #pino: Pino;
  readonly #unfiltered: Pino;
  #droppedLines = 0;

  constructor(options: ProgramLoggerOptions) {
    this.#sink = destination({
      dest: options.descriptor,
      sync: false,
      minLength: 1, // each line leaves at once; with 0, a flush would not wait for what is being written
      maxLength: HELD_BYTES_MAX,
    });
    this.#sink.on("drop", () => {
      this.#droppedLines += 1;
    });
    this.#sink.on("drain", () => this.#reportDropped());
    this.#sink.on("error", () => {
      // The reader is gone: there is nobody left to tell, and clients must not suffer for it.
    });
    const stream: DestinationStream =
      options.format === "json"
        ? this.#sink
        : { write: (line) => void this.#sink.write(textLogLine(line)) };
    this.#pino = pino(
      {
        level: options.level,
        base: options.worker === undefined ? null : { worker: options.worker },
        timestamp: stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      stream,
    );
    this.#unfiltered = this.#pino.child({}, { level: "info" });
  }

  set level(level: LogLevel) {
    this.#pino.level = level;
  }

  debug(fields: LogFields, message: string): void {
    this.#pino.debug(fields, message);
  }

  info(fields: LogFields, message: string): void {
    this.#pino.info(fields, message);
  }

  warn(fields: LogFields, message: string): void {
    this.#pino.warn(fields, message);
  }

  error(fields: LogFields, message: string): void {
    this.#pino.error(fields, message);
  }

  /** A line that no level leaves out. */
  always(fields: LogFields, message: string): void {
    this.#unfiltered.info(fields, message);
  }

  /** Resolves when all lines have left, or after a second. */
  async flush(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const deadline = setTimeout(resolve, FLUSH_DEADLINE_MS);
    this.#sink.flush(() => resolve());
    await promise;
    clearTimeout(deadline);
  }

  #reportDropped(): void {
    if (this.#droppedLines === 0) return;
    const lines = this.#droppedLines;
    this.#droppedLines = 0;
    this.warn({ lines }, "log lines were dropped: their reader was too slow");
  }
}
