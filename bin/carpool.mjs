#!/usr/bin/env node
/**
 * The `carpool` command for people who have Node.js: hands over to the pinned Bun beside it.
 * Arguments, environment, standard streams, signals and exit code are Bun's as if it had been called itself.
 */

import { spawn } from "node:child_process";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findBun } from "./find-bun.mjs";

const FORWARDED_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bun = findBun();
/** Bun would load a `.env` of the working directory: somebody else's, with names that are ours by chance. */
const args = ["--no-env-file", join(root, "src", "cli", "main.ts"), ...process.argv.slice(2)];

if (bun === null) {
  console.error(
    "carpool: its runtime Bun isn't installed. Run npm ci (without --omit=optional) first.",
  );
  process.exitCode = 1;
} else if (typeof process.execve === "function") {
  process.execve(bun, [bun, ...args]); // Node.js 22.15 and later: no process is left in between
} else {
  runAsChild(bun, args);
}

/**
 * The child gets a process group of its own, so that Ctrl-C in a terminal reaches it once, through us, and
 * not a second time from the terminal.
 */
function runAsChild(program, programArguments) {
  const child = spawn(program, programArguments, { stdio: "inherit", detached: true });
  for (const signal of FORWARDED_SIGNALS) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    console.error(`carpool: ${program} can't be run: ${error.message}`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}
