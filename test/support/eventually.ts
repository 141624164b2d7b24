/**
 * Waiting for what sends no event.
 */

const POLL_MS = 10;
const DEADLINE_MS = 10_000;

/**
 * Runs `attempt` again and again until it does not throw, and returns what it returned. After the time
 * it throws what the last attempt threw.
 */
export async function eventually<T>(
  attempt: () => Promise<T> | T,
  timeoutMs: number = DEADLINE_MS,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    try {
      // oxlint-disable-next-line no-await-in-loop -- one attempt after the other
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      // oxlint-disable-next-line no-await-in-loop -- there is no event to wait for
      await Bun.sleep(POLL_MS);
    }
  }
}
