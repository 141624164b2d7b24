/**
 * A node whose one pooler is in this process.
 */

import { join } from "node:path";
import type { Config } from "../config/settings.ts";
import type { Traffic } from "../control/traffic.ts";
import type { Pooler, PoolerPorts } from "./pooler.ts";
import type { ServingNode } from "./serving-node.ts";

export class OneProcess implements ServingNode {
  readonly #pooler: Pooler;
  readonly #folder: string;

  /** @param folder that only this user may enter */
  constructor(pooler: Pooler, folder: string) {
    this.#pooler = pooler;
    this.#folder = folder;
  }

  adoptClients(): readonly string[] {
    const path = join(this.#folder, `takeover-${process.pid}.clients`);
    return this.#pooler.relocation.listen(path) ? [path] : [];
  }

  get ports(): PoolerPorts {
    return this.#pooler.ports;
  }

  get serves(): boolean {
    return true;
  }

  get connectionsMax(): ServingNode["connectionsMax"] {
    return this.#pooler.connectionsMax;
  }

  get traffic(): Traffic {
    return this.#pooler.traffic;
  }

  start(): Promise<void> {
    return this.#pooler.start();
  }

  async reload(config: Config, certificateAuthority: string | null): Promise<void> {
    this.#pooler.reload(config, certificateAuthority);
  }

  cancel(processId: number, secretKey: Uint8Array): void {
    this.#pooler.cancel(processId, secretKey);
  }

  stopListening(): void {
    this.#pooler.stopListening();
  }

  leave(overMs: number, adopters: readonly string[]): Promise<void> {
    return this.#pooler.relocation.leave(overMs, adopters);
  }

  stop(timeoutMs: number): Promise<void> {
    return this.#pooler.stop(timeoutMs);
  }

  kill(): void {
    // There are none.
  }
}
