/**
 * Stops a child process whose parent is gone, however the parent went: also by SIGKILL or a crash,
 * when no handler of ours runs any more.
 * A shell waits at the end of a pipe whose other end only this process holds. The kernel closes it.
 */

import { ACCOUNT_ENVIRONMENT, type Account } from "../embedded/postgres-account.ts";

/** SIGINT: PostgreSQL's fast shutdown; SIGQUIT, its immediate one, when that takes over ten seconds. */
const SCRIPT = `
  read -r line && exit
  kill -INT "$1" 2>/dev/null
  for second in 1 2 3 4 5 6 7 8 9 10; do sleep 1; kill -0 "$1" 2>/dev/null || exit; done
  kill -QUIT "$1"
`;

export interface OrphanGuard {
  /** Call off the guard: its process has been waited for. */
  dismiss(): Promise<void>;
}

/**
 * Guards the process `processId`, which `account` must be allowed to signal. The guard has a session of
 * its own, so that Ctrl-C in a terminal doesn't end it together with what it guards against.
 */
export function guardAgainstOrphan(processId: number, account: Account): OrphanGuard {
  const guard = Bun.spawn(["/bin/sh", "-c", SCRIPT, "sh", String(processId)], {
    ...account,
    cwd: "/",
    env: ACCOUNT_ENVIRONMENT,
    detached: true,
    stdin: "pipe",
    stdout: "ignore",
    stderr: "ignore",
  });
  guard.unref();
  return {
    async dismiss() {
      guard.kill("SIGKILL");
      await guard.exited;
    },
  };
}
