/**
 * The life of a running Carpool as its operator steers it: SIGTERM and SIGINT stop it, a second one ends
 * it at once, SIGHUP reloads settings and certificates.
 */

import { constants } from "node:os";
import { errorMessage } from "../base/error-message.ts";
import type { Logger } from "../base/logger.ts";
import { reloadConfig } from "../config/reload-config.ts";
import type { Config } from "../config/settings.ts";
import type { Carpool } from "./carpool.ts";
import type { ProgramLogger } from "./program-logger.ts";

export interface RunOptions {
  readonly config: Config;
  /** Reads the settings afresh, with everything that `carpool check` checks. */
  readonly readSettings: () => SettingsReading;
}

export type SettingsReading =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | {
      readonly ok: false;
      readonly problems: readonly string[];
      readonly warnings: readonly string[];
    };

const STOP_SIGNALS = ["SIGTERM", "SIGINT"] as const;

/** Runs until a signal stops `carpool`. Returns 0, or 128 and the number of the second signal, as shells do. */
export function runUntilSignal(
  carpool: Carpool,
  logger: ProgramLogger,
  options: RunOptions,
): Promise<number> {
  const run = new Run(carpool, logger, options);
  return run.ended;
}

class Run {
  readonly ended: Promise<number>;
  readonly #carpool: Carpool;
  readonly #logger: ProgramLogger;
  readonly #readSettings: RunOptions["readSettings"];
  readonly #end: (code: number) => void;
  #config: Config;
  #stopping = false;

  constructor(carpool: Carpool, logger: ProgramLogger, options: RunOptions) {
    const { promise, resolve } = Promise.withResolvers<number>();
    this.ended = promise;
    this.#end = resolve;
    this.#carpool = carpool;
    this.#logger = logger;
    this.#readSettings = options.readSettings;
    this.#config = options.config;
    for (const signal of STOP_SIGNALS) process.on(signal, this.#onStopSignal);
    process.on("SIGHUP", this.#onReloadSignal);
  }

  readonly #onStopSignal = (signal: NodeJS.Signals): void => {
    if (this.#stopping) {
      this.#logger.warn({ signal }, "stopping at once: a second signal came");
      return this.#finish(128 + constants.signals[signal]);
    }
    this.#stopping = true;
    void this.#stop(signal);
  };

  readonly #onReloadSignal = (): void => {
    if (!this.#stopping) this.#reload();
  };

  async #stop(signal: NodeJS.Signals): Promise<void> {
    const { shutdownTimeoutMs } = this.#config;
    this.#logger.info(
      { signal, shutdownTimeoutMs },
      "stopping: no more clients are taken, and transactions may end",
    );
    try {
      await this.#carpool.stop(shutdownTimeoutMs);
      this.#logger.info({}, "stopped");
      this.#finish(0);
    } catch (error) {
      logFault(this.#logger, error, "stopping failed");
      this.#finish(1);
    }
  }

  #reload(): void {
    const logger = this.#logger;
    const reading = this.#readSettings();
    for (const warning of reading.warnings) logger.warn({}, warning);
    if (!reading.ok) {
      for (const problem of reading.problems) logger.error({}, problem);
      logger.error({}, "settings were not reloaded: the old ones hold");
      return;
    }
    const { config, restartNames } = reloadConfig(this.#config, reading.config);
    try {
      this.#carpool.reload(config);
    } catch (error) {
      logger.error(
        { reason: errorMessage(error) },
        "settings were not reloaded: the old ones hold",
      );
      return;
    }
    this.#config = config;
    logger.level = config.logLevel;
    const waiting = restartNames.length === 0 ? null : restartNames.join(", ");
    logger.info({ afterRestart: waiting ?? undefined }, "settings and certificates were reloaded");
  }

  #finish(code: number): void {
    for (const signal of STOP_SIGNALS) process.off(signal, this.#onStopSignal);
    process.off("SIGHUP", this.#onReloadSignal);
    this.#end(code);
  }
}

/**
 * From now on what no one caught is logged and the process goes on, because one connection's bug must
 * not end all others.
 */
export function catchFaults(logger: Logger): void {
  const onFault = (error: unknown): void => logFault(logger, error, "internal error");
  process.on("uncaughtException", onFault);
  process.on("unhandledRejection", onFault);
}

function logFault(logger: Logger, error: unknown, message: string): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  logger.error({ error: text }, message);
}
