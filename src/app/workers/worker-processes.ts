/**
 * Workers as processes of this program.
 */

import { fileURLToPath } from "node:url";
import type { FileSink } from "bun";
import type { SpawnedWorker, WorkerOrder, WorkerSpawner } from "./worker-order.ts";

const MAIN = fileURLToPath(new URL("worker-main.ts", import.meta.url));

export class WorkerProcesses implements WorkerSpawner {
  /**
   * Its standard input brings the order, and stays open for as long as this process lives: its end tells the
   * worker that it is alone. Throws where the system starts no process; what becomes of one that was started,
   * `exited` tells.
   */
  spawn(order: WorkerOrder, descriptors: readonly number[]): SpawnedWorker {
    const child = Bun.spawn([process.execPath, "--no-env-file", MAIN], {
      cwd: order.workingDirectory,
      stdio: ["pipe", "inherit", "inherit", ...descriptors],
    });
    void give(child.stdin, `${JSON.stringify(order)}\n`);
    return {
      processId: child.pid,
      exited: child.exited.then((code) => String(child.signalCode ?? `exit code ${code}`)),
      kill: () => child.kill("SIGKILL"),
    };
  }
}

/** Never rejects: who has died before it could read has nobody to be told, and its end is seen anyway. */
async function give(stdin: FileSink, line: string): Promise<void> {
  try {
    await stdin.write(line);
    await stdin.flush();
  } catch {
    // EPIPE.
  }
}
