/**
 * Workers as processes of this program.
 */

import { fileURLToPath } from "node:url";
import type { SpawnedWorker, WorkerOrder, WorkerSpawner } from "./worker-order.ts";

const MAIN = fileURLToPath(new URL("worker-main.ts", import.meta.url));

export class WorkerProcesses implements WorkerSpawner {
  /**
   * Its standard input brings the order, and stays open for as long as this process lives: its end tells the
   * worker that it is alone.
   */
  spawn(order: WorkerOrder, descriptors: readonly number[]): SpawnedWorker {
    const child = Bun.spawn([process.execPath, "--no-env-file", MAIN], {
      cwd: order.workingDirectory,
      stdio: ["pipe", "inherit", "inherit", ...descriptors],
    });
    void child.stdin.write(`${JSON.stringify(order)}\n`);
    void child.stdin.flush();
    return {
      processId: child.pid,
      exited: child.exited.then((code) => String(child.signalCode ?? `exit code ${code}`)),
      kill: () => child.kill("SIGKILL"),
    };
  }
}
