#!/usr/bin/env bun
/**
 * The `carpool` command: the process around `runCli`.
 */

import { runCli } from "./run-cli.ts";

/** What is still open when a verb is over is a connection that gets its last words: no more than this long. */
const LINGER_MS = 200;

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  workingDirectory: process.cwd(),
  now: () => Date.now(),
  writeOut: (text) => void process.stdout.write(text),
  writeError: (text) => void process.stderr.write(text),
});

setTimeout(() => process.exit(), LINGER_MS).unref();
