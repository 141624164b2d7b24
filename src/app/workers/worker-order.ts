/**
 * What a supervisor tells a worker at its start: the first line of the worker's standard input, as JSON.
 */

import { join } from "node:path";
import type { Config } from "../../config/settings.ts";
import type { PortMode } from "../../net/channel-opening.ts";
import type { ListeningSocket } from "../listening/listening-sockets.ts";

/** The first descriptor behind the standard streams: where those that a worker inherits begin. */
export const INHERITED_DESCRIPTORS = 3;

export interface WorkerOrder {
  readonly worker: number;
  readonly workers: number;
  /** Holds the sockets of the links. */
  readonly folder: string;
  readonly incarnation: string;
  /** With paths that are absolute, and with the ports that were chosen. */
  readonly config: Config;
  readonly workingDirectory: string;
  /** What it listens on, by the descriptors that it has inherited; absent: it binds what the settings name. */
  readonly sockets?: readonly ListeningSocket<PortMode>[];
}

/** What a worker says of itself when it serves clients: `life.ready`. */
export interface WorkerReady {
  readonly clientsMax: number;
  /** Null: the system tells no limit. */
  readonly serversMax: number | null;
  /** Whether clients of the process before can be brought to it, at its {@link adoptionPath}. */
  readonly adoptsClients: boolean;
}

/** What a worker is told when another process takes the clients that come: `life.leave`. */
export interface LeaveOrder {
  readonly overMs: number;
  /** Where its clients may be brought to. */
  readonly adopters: readonly string[];
}

/** Starts workers. */
export interface WorkerSpawner {
  /** @param descriptors that it inherits, from {@link INHERITED_DESCRIPTORS} on */
  spawn(order: WorkerOrder, descriptors: readonly number[]): SpawnedWorker;
}

export interface SpawnedWorker {
  /** Null: it runs in this process. */
  readonly processId: number | null;
  /** Resolves when it has ended, with how that was. */
  readonly exited: Promise<string>;
  /** Ends it at once. */
  kill(): void;
}

/** Returns where a worker takes clients of the process before: beside the sockets of its links. */
export function adoptionPath({ folder, worker }: Pick<WorkerOrder, "folder" | "worker">): string {
  return join(folder, `clients-${worker}.sock`);
}

/** Returns whether `value`, which came over a link, is one. */
export function isLeaveOrder(value: unknown): value is LeaveOrder {
  if (typeof value !== "object" || value === null) return false;
  if (!("overMs" in value) || !("adopters" in value)) return false;
  const { overMs, adopters } = value;
  return (
    typeof overMs === "number" &&
    Array.isArray(adopters) &&
    adopters.every((path) => typeof path === "string")
  );
}

/** Returns whether `value`, which came over a link, is one. */
export function isWorkerReady(value: unknown): value is WorkerReady {
  if (typeof value !== "object" || value === null) return false;
  if (!("clientsMax" in value && "serversMax" in value && "adoptsClients" in value)) return false;
  const { clientsMax, serversMax, adoptsClients } = value;
  if (typeof clientsMax !== "number" || typeof adoptsClients !== "boolean") return false;
  return serversMax === null || typeof serversMax === "number";
}
