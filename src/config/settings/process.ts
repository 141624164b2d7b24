/**
 * The process itself: memory, its end, its log.
 */

import { bytes, count, milliseconds } from "../integer-settings.ts";
import { choice } from "../text-settings.ts";

const DAY_MS = 86_400_000;

export const PROCESS_SETTINGS = {
  workers: count({
    name: "WORKERS",
    group: "Process",
    default: null,
    reloadable: false,
    min: 1,
    max: 64,
    summary:
      "Processes that serve clients, on the same ports. Without it, as many as the machine has cores. With 1 there is no other process than the one that was started; each one more takes some 60 MB. Limits hold for all of them together.",
  }),
  workerTimeoutMs: milliseconds({
    name: "WORKER_TIMEOUT",
    group: "Process",
    default: "10s",
    reloadable: true,
    min: 2000,
    max: DAY_MS,
    zero: "for ever",
    summary:
      "How long a worker may not answer the process that has started it before it is ended by SIGKILL and started again: it was stopped, or is in an endless loop, and its clients wait. It is asked every second; a time for which the whole machine stood still does not count.",
  }),
  memoryLimitBytes: bytes({
    name: "MEMORY_LIMIT",
    group: "Process",
    default: "0",
    reloadable: true,
    min: 128 * 1024 ** 2,
    max: 16 * 1024 ** 4,
    zero: "what the cgroup allows, or what the machine has",
    summary:
      "Resident memory of all processes together (WORKERS and the one that was started) near which new clients are refused with 53300: above 90 % of it, until it is below 85 %. Those who are in work on. It is looked at every second. A pooler of one process and without clients takes some 95 MB.",
  }),
  shutdownTimeoutMs: milliseconds({
    name: "SHUTDOWN_TIMEOUT",
    group: "Process",
    default: "25s",
    reloadable: true,
    min: 100,
    max: DAY_MS,
    zero: "at once",
    summary:
      "How long a stopping process lets running transactions end. The default stays below the 30 s that Kubernetes gives.",
  }),
  logLevel: choice({
    name: "LOG_LEVEL",
    group: "Process",
    default: "info",
    reloadable: true,
    choices: ["debug", "info", "warn", "error"],
    summary: "The least severe level that is logged.",
  }),
  logFormat: choice({
    name: "LOG_FORMAT",
    group: "Process",
    default: "json",
    reloadable: false,
    choices: ["json", "text"],
    summary: "Log lines for machines or for people. The default suits containers.",
  }),
} as const;
