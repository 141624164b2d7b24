/**
 * One thread of `npm run simulate`: runs the schedules that it is given, and answers with what came of them.
 */

import { parentPort, workerData } from "node:worker_threads";
import { runWatched } from "./run-watched.ts";

const { seed, schedules }: { readonly seed: number; readonly schedules: number } = workerData;

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, no window
parentPort?.postMessage(await runWatched(seed, schedules));
