/**
 * A channel handler that remembers what it was told, and lets a test wait until something holds.
 */

import { createHash } from "node:crypto";
import type { ChannelHandler } from "../../../src/net/channel.ts";

interface Wait {
  readonly holds: () => boolean;
  readonly resolve: () => void;
}

export class RecordingHandler implements ChannelHandler {
  received = 0;
  drained = 0;
  closed = 0;
  /** Called before the chunk is counted. */
  beforeBytes: (bytes: Uint8Array) => void = () => {};
  readonly #hash = createHash("sha256");
  readonly #chunks: Uint8Array[] = [];
  #waits: Wait[] = [];

  onBytes(bytes: Uint8Array): void {
    this.beforeBytes(bytes);
    this.received += bytes.length;
    this.#hash.update(bytes);
    if (this.received < 65536) this.#chunks.push(bytes);
    this.check();
  }

  onDrained(): void {
    this.drained += 1;
    this.check();
  }

  onClosed(): void {
    this.closed += 1;
    this.check();
  }

  /** The first bytes received, as text. */
  get text(): string {
    return Buffer.concat(this.#chunks).toString("latin1");
  }

  /** SHA-256 of all that was received. Once only. */
  digest(): string {
    return this.#hash.digest("hex");
  }

  /** Resolves when `holds` is true after an event (or now). */
  until(holds: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waits.push({ holds, resolve });
    this.check();
    return promise;
  }

  untilClosed(): Promise<void> {
    return this.until(() => this.closed > 0);
  }

  untilText(text: string): Promise<void> {
    return this.until(() => this.text === text);
  }

  /** Looks again whether something that is waited for holds. */
  check(): void {
    const due = this.#waits.filter((wait) => wait.holds());
    this.#waits = this.#waits.filter((wait) => !due.includes(wait));
    for (const wait of due) wait.resolve();
  }
}
