/**
 * Waits for what has no event.
 */

const POLL_MS = 10;
const DEADLINE_MS = 10_000;

/** Returns once `holds` returns true. Throws, and says what was waited for, after ten seconds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  // oxlint-disable-next-line no-await-in-loop -- a poll
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    // oxlint-disable-next-line no-await-in-loop -- its pause
    await Bun.sleep(POLL_MS);
  }
}
