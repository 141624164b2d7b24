/**
 * Tells systemd how the service is, where it wants to know (sd_notify(3), `Type=notify` and `notify-reload`).
 */

import type { Clock, Timer } from "../../base/clock.ts";
import { errorMessage } from "../../base/error-message.ts";
import type { Logger } from "../../base/logger.ts";
import { DescriptorPassing } from "../../net/descriptor-passing.ts";
import { openMonotonicTime } from "../../net/monotonic-time.ts";

export interface ServiceManagerParts {
  /** NOTIFY_SOCKET and what belongs to it; without it nobody is told anything. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const MICROSECONDS_PER_MILLISECOND = 1000;

/** Twice within the time that is allowed, as sd_watchdog_enabled(3) recommends. */
const WATCHDOG_SHARE = 0.5;

export class ServiceManager {
  readonly #parts: ServiceManagerParts;
  /** Null: nobody wants to know, or this system can't tell. */
  readonly #passing: DescriptorPassing | null;
  #watchdog: Timer | null = null;

  constructor(parts: ServiceManagerParts) {
    this.#parts = parts;
    this.#passing = this.#address === undefined ? null : DescriptorPassing.forThisSystem();
  }

  /** The service serves. Where it is asked for, it says from now on that its event loop turns. */
  ready(status: string): void {
    this.#tell("READY=1", `MAINPID=${process.pid}`, `STATUS=${status}`);
    if (this.#watchdog === null) this.#setWatchdog();
  }

  /** Settings are read again. {@link ready} follows, whatever comes of it. */
  reloading(): void {
    const time = this.#passing === null ? null : openMonotonicTime();
    if (time !== null) this.#tell("RELOADING=1", `MONOTONIC_USEC=${time()}`);
  }

  stopping(): void {
    this.#tell("STOPPING=1", "STATUS=Stopping: transactions may end");
  }

  /** Another process is the service from now on, and this one says no more. */
  replacedBy(processId: number): void {
    this.#tell(`MAINPID=${processId}`);
    this.close();
  }

  /** Says no more of itself. */
  close(): void {
    this.#watchdog?.cancel();
    this.#watchdog = null;
  }

  get #address(): string | undefined {
    return this.#parts.environment["NOTIFY_SOCKET"];
  }

  #setWatchdog(): void {
    const allowedMs =
      Number(this.#parts.environment["WATCHDOG_USEC"]) / MICROSECONDS_PER_MILLISECOND;
    if (!(allowedMs > 0)) return;
    this.#watchdog = this.#parts.clock.after(allowedMs * WATCHDOG_SHARE, () => {
      this.#tell("WATCHDOG=1");
      this.#setWatchdog();
    });
  }

  #tell(...lines: readonly string[]): void {
    const address = this.#address;
    if (this.#passing === null || address === undefined) return;
    const { logger } = this.#parts;
    try {
      const posting = this.#passing.post(address, new TextEncoder().encode(lines.join("\n")), []);
      if (posting !== "sent") logger.warn({ address, posting }, "systemd was not told");
    } catch (error) {
      logger.warn({ address, reason: errorMessage(error) }, "systemd was not told");
    }
  }
}
