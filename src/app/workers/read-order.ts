/**
 * Reads what the supervisor tells a worker at its start.
 */

import { isListeningSocket } from "../listening/listening-sockets.ts";
import { isConfig } from "./received-config.ts";
import type { WorkerOrder } from "./worker-order.ts";

/** The settings are some kilobytes; texts among them may be as long as the environment allows. */
const ORDER_CHARACTERS_MAX = 4 * 1024 * 1024;

/** The order is none of this version. */
export class WorkerOrderError extends Error {
  override readonly name = "WorkerOrderError";
}

export interface ReceivedOrder {
  readonly order: WorkerOrder;
  /** Resolves when the supervisor is gone. */
  readonly ended: Promise<void>;
}

/** Reads the first line of `input`; the rest has nothing but an end. Rejects with a {@link WorkerOrderError}. */
export async function readOrder(input: ReadableStream<Uint8Array>): Promise<ReceivedOrder> {
  const reader = input.getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (!text.includes("\n")) {
    // oxlint-disable-next-line no-await-in-loop -- one chunk after the other
    const { done, value } = await reader.read();
    if (done || text.length > ORDER_CHARACTERS_MAX)
      throw new WorkerOrderError(
        "a worker is started by its supervisor, which tells it what to do",
      );
    text += decoder.decode(value, { stream: true });
  }
  const order: unknown = JSON.parse(text);
  if (!isOrder(order)) throw new WorkerOrderError("the supervisor is of another version");
  return { order, ended: untilEnd(reader) };
}

async function untilEnd(reader: { read(): Promise<{ done: boolean }> }): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop -- it waits for the end
  while (!(await reader.read()).done);
}

function isOrder(value: unknown): value is WorkerOrder {
  if (typeof value !== "object" || value === null) return false;
  return (
    "worker" in value &&
    typeof value.worker === "number" &&
    "workers" in value &&
    typeof value.workers === "number" &&
    "folder" in value &&
    typeof value.folder === "string" &&
    "incarnation" in value &&
    typeof value.incarnation === "string" &&
    "workingDirectory" in value &&
    typeof value.workingDirectory === "string" &&
    "config" in value &&
    isConfig(value.config) &&
    (!("sockets" in value) || areSockets(value.sockets))
  );
}

function areSockets(value: unknown): boolean {
  return Array.isArray(value) && value.every((socket) => isPoolerSocket(socket));
}

function isPoolerSocket(value: unknown): boolean {
  return isListeningSocket(value) && value.use !== "http";
}
