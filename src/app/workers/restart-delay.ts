/**
 * How long a dead worker waits for its next start: not at all, unless it keeps dying.
 */

/** Who has lived for so long has died of something else than its start. */
const HEALTHY_MS = 2000;

/** Doubled with each further death: 0, 100, 200, 400, ... */
const FIRST_PAUSE_MS = 100;
const PAUSE_MAX_MS = 5000;

export class RestartDelay {
  /** Deaths in a row that came soon. */
  #deaths = 0;

  /** Returns how long to wait, in milliseconds, after one that lived for `livedMs`. */
  after(livedMs: number): number {
    this.#deaths = livedMs >= HEALTHY_MS ? 0 : this.#deaths;
    const pauseMs =
      this.#deaths === 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (this.#deaths - 1), PAUSE_MAX_MS);
    this.#deaths += 1;
    return pauseMs;
  }
}
