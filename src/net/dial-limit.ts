/**
 * How many connections to servers this process may have, so that it keeps descriptors to accept
 * clients with: at EMFILE Bun's accept loop spins, and nobody is served.
 */

import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";

/** The process has as many connections to servers as it may. */
export class TooManyServersError extends PoolerError {
  constructor(current: number, limit: number) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.too_many_connections,
      message: "too many server connections",
      detail: `This pooler has ${current} server connections; the limit is ${limit}.`,
      hint: "Raise the limit of open files (RLIMIT_NOFILE), or lower MAX_CONNECTIONS: what clients may not take is left for servers.",
    });
  }
}

export class DialLimit {
  readonly #max: () => number;
  readonly #surplusMax: number;
  #open = 0;

  /**
   * @param max connections at a time, those included that are being made; asked anew for each
   * @param surplusMax how many more may carry a cancel
   */
  constructor(max: () => number, surplusMax: number) {
    this.#max = max;
    this.#surplusMax = surplusMax;
  }

  /** Connections that stand or are being made. */
  get open(): number {
    return this.#open;
  }

  /** Counts one more, or throws a {@link TooManyServersError}. */
  take(forCancel: boolean): void {
    const max = this.#max();
    const surplus = forCancel ? this.#surplusMax : 0;
    if (this.#open >= max + surplus) throw new TooManyServersError(this.#open, max);
    this.#open += 1;
  }

  /** One that was taken is closed, or was never made. */
  giveBack(): void {
    this.#open -= 1;
  }
}
