/**
 * Whether a process exists, ours or not.
 */

/** Returns false once `processId` has ended. A zombie still counts as alive. */
export function isProcessAlive(processId: number): boolean {
  return Bun.spawnSync(["kill", "-0", String(processId)]).exitCode === 0;
}
