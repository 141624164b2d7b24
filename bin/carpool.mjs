#!/usr/bin/env node
// The `carpool` command for people who have Node.js: hands over to the pinned Bun beside it.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bun = join(root, "node_modules", "bun", "bin", "bun.exe");
const args = [join(root, "src", "cli", "main.ts"), ...process.argv.slice(2)];

if (typeof process.execve === "function") process.execve(bun, [bun, ...args]);

const child = spawn(bun, args, { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => {
  process.exitCode = signal === null ? (code ?? 1) : 128 + constants.signals[signal];
});
