/**
 * By when a server that was asked something has to have answered. One that has not died in silence, and its
 * connection is cut.
 */

import { Alarm, type Ticker } from "../../pool/ticker.ts";

export class AnswerDeadline {
  readonly #ticker: Ticker;
  readonly #connection: { destroy(): void };
  /** Made at the first use: most servers are never tried. */
  #alarm: Alarm | null = null;
  #running = false;

  constructor(ticker: Ticker, connection: { destroy(): void }) {
    this.#ticker = ticker;
    this.#connection = connection;
  }

  /** Whether an answer is awaited. */
  get running(): boolean {
    return this.#running;
  }

  /** An answer is due in so long, at the latest. */
  begin(timeoutMs: number): void {
    this.#alarm ??= new Alarm(() => this.#connection.destroy());
    this.#running = true;
    this.#ticker.ringBy(this.#alarm, this.#ticker.nowMs + timeoutMs);
  }

  /** It came, or is awaited no more. */
  end(): void {
    this.#running = false;
    if (this.#alarm !== null) this.#ticker.silence(this.#alarm);
  }
}
