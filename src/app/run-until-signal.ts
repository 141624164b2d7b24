/**
 * The life of a running Carpool as its operator steers it: SIGTERM and SIGINT stop it, a second one ends
 * it at once, SIGHUP reloads settings and certificates, SIGUSR2 starts the next version.
 */

import { constants } from "node:os";
import { errorMessage } from "../base/error-message.ts";
import type { Logger } from "../base/logger.ts";
import { reloadConfig } from "../config/reload-config.ts";
import type { Config } from "../config/settings.ts";
import type { Carpool } from "./carpool.ts";
import type { ProgramLogger } from "./system/program-logger.ts";

export interface RunOptions {
  readonly config: Config;
  /** Reads the settings afresh, with everything that `carpool check` checks. Null: SIGHUP stops, as terminals mean it. */
  readonly readSettings: (() => SettingsReading) | null;
  /** Starts a process that takes the place of this one; resolves with how it has ended. Absent: SIGUSR2 does nothing. */
  readonly startNextVersion?: () => Promise<string>;
  /** Resolves, with the reason, when something is lost that Carpool can't go on without. */
  readonly lost?: Promise<string>;
}

/** Who wants to know what becomes of this process, beside its log. */
export interface RunWatcher {
  /** Settings are read again, and {@link reloaded} follows. */
  reloading(): void;
  reloaded(): void;
  stopping(): void;
}

/** A run as others steer it. */
export interface RunningCarpool {
  /** Resolves with the exit code. */
  readonly ended: Promise<number>;
  /**
   * Another process takes the clients from now on: ends when those who are here have left, or their time is over.
   * @param adopters where clients may be brought to
   */
  retire(successor: number, adopters: readonly string[]): void;
}

export type SettingsReading =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | {
      readonly ok: false;
      readonly problems: readonly string[];
      readonly warnings: readonly string[];
    };

const STOP_SIGNALS = ["SIGTERM", "SIGINT"] as const;

/**
 * Ctrl-C under npm arrives twice: from the terminal, and from npm, which passes it on. What comes so soon
 * is the same one; an impatient person takes longer.
 */
const SAME_SIGNAL_MS = 500;

/**
 * Runs until a signal stops `carpool`. It ends with 0; 1 if something was lost or the stop failed; or 128 and
 * the number of the second signal, as shells do.
 */
export function runUntilSignal(
  carpool: Carpool,
  logger: ProgramLogger,
  options: RunOptions,
  watcher: RunWatcher = UNWATCHED,
): RunningCarpool {
  return new Run(carpool, logger, options, watcher);
}

const UNWATCHED: RunWatcher = { reloading() {}, reloaded() {}, stopping() {} };

class Run implements RunningCarpool {
  readonly ended: Promise<number>;
  readonly #carpool: Carpool;
  readonly #logger: ProgramLogger;
  readonly #watcher: RunWatcher;
  readonly #readSettings: RunOptions["readSettings"];
  readonly #end: (code: number) => void;
  #config: Config;
  #reloads = Promise.resolve();
  /** Null while nobody has told it to stop. */
  #stoppingSinceMs: number | null = null;
  #retiring = false;
  #nextVersionStarts = false;

  constructor(carpool: Carpool, logger: ProgramLogger, options: RunOptions, watcher: RunWatcher) {
    const { promise, resolve } = Promise.withResolvers<number>();
    this.ended = promise;
    this.#end = resolve;
    this.#carpool = carpool;
    this.#logger = logger;
    this.#watcher = watcher;
    this.#readSettings = options.readSettings;
    this.#config = options.config;
    // For the rest of the process: a signal's twin may come when all is over, and must not kill what tidies up.
    for (const signal of STOP_SIGNALS) process.on(signal, this.#onStopSignal);
    process.on("SIGHUP", this.#onHangUp);
    process.on("SIGUSR2", () => void this.#startNextVersion(options));
    void options.lost?.then((reason) => this.#onLost(reason));
  }

  retire(successor: number, adopters: readonly string[]): void {
    if (this.#stoppingSinceMs !== null || this.#retiring) return;
    this.#retiring = true;
    const { shutdownTimeoutMs } = this.#config;
    this.#logger.info(
      { successor, shutdownTimeoutMs },
      "replaced: another process takes the clients, and those who are here may leave",
    );
    void this.#endAfter(this.#carpool.retire(shutdownTimeoutMs, adopters), 0);
  }

  readonly #onStopSignal = (signal: NodeJS.Signals): void => {
    const nowMs = performance.now();
    if (this.#stoppingSinceMs === null) {
      this.#logger.info({ signal }, "told to stop");
      this.#stoppingSinceMs = nowMs;
      if (!this.#retiring) void this.#stop(0); // else it ends within the same time
    } else if (nowMs - this.#stoppingSinceMs > SAME_SIGNAL_MS) {
      this.#logger.warn({ signal }, "stopping at once: a second signal came");
      this.#carpool.kill();
      this.#end(128 + constants.signals[signal]);
    }
  };

  readonly #onHangUp = (signal: NodeJS.Signals): void => {
    if (this.#readSettings === null) return this.#onStopSignal(signal);
    const readSettings = this.#readSettings;
    // One after the other: the last to be told is what holds.
    this.#reloads = this.#reloads.then(() =>
      this.#stoppingSinceMs === null && !this.#retiring
        ? this.#reloadWatched(readSettings())
        : undefined,
    );
  };

  async #startNextVersion({ startNextVersion }: RunOptions): Promise<void> {
    const isEnding = this.#retiring || this.#stoppingSinceMs !== null;
    if (startNextVersion === undefined || isEnding || this.#nextVersionStarts) return;
    this.#nextVersionStarts = true;
    this.#logger.info({ signal: "SIGUSR2" }, "starting the next version");
    try {
      const how = await startNextVersion();
      this.#logger.error({ how }, "the next version has ended: this one serves on");
    } catch (error) {
      logFault(this.#logger, error, "the next version did not start: this one serves on");
    }
    this.#nextVersionStarts = false;
  }

  #onLost(reason: string): void {
    if (this.#stoppingSinceMs !== null || this.#retiring) return;
    this.#stoppingSinceMs = performance.now();
    this.#logger.error({}, reason);
    void this.#stop(1);
  }

  async #stop(code: number): Promise<void> {
    const { shutdownTimeoutMs } = this.#config;
    this.#logger.info(
      { shutdownTimeoutMs },
      "stopping: no more clients are taken, and transactions may end",
    );
    this.#watcher.stopping();
    await this.#endAfter(this.#carpool.stop(shutdownTimeoutMs), code);
  }

  async #endAfter(stopped: Promise<void>, code: number): Promise<void> {
    try {
      await stopped;
      this.#logger.info({}, "stopped");
      this.#end(code);
    } catch (error) {
      logFault(this.#logger, error, "stopping failed");
      this.#end(1);
    }
  }

  async #reloadWatched(reading: SettingsReading): Promise<void> {
    this.#watcher.reloading();
    await this.#reload(reading);
    this.#watcher.reloaded();
  }

  async #reload(reading: SettingsReading): Promise<void> {
    const logger = this.#logger;
    for (const warning of reading.warnings) logger.warn({}, warning);
    if (!reading.ok) {
      for (const problem of reading.problems) logger.error({}, problem);
      logger.error({}, "settings were not reloaded: the old ones hold");
      return;
    }
    const { config, restartNames } = reloadConfig(this.#config, reading.config);
    try {
      await this.#carpool.reload(config);
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
