/**
 * Where a run took place: figures mean nothing without it.
 */

import { cpus, loadavg, release } from "node:os";

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly kernel: string;
  readonly bun: string;
  /** Of the last minute, before the run. Well above 0: somebody else is at work, the clock columns mean little. */
  readonly loadAverage: number;
}

export function describeMachine(): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model ?? "unknown",
    cores: processors.length,
    kernel: release(),
    bun: Bun.version,
    loadAverage: loadavg()[0] ?? 0,
  };
}
