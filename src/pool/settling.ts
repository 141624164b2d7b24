/**
 * How a pool stays right when a callback calls back (a waiter that releases inside `onGranted`, an attempt that
 * fails inside `open`): a verb only records what happened, and has it settled. Settling does one thing at a time
 * and looks at the state afresh for each. A verb called from within records its part and returns; the settling
 * already under way does the rest. So nothing recurses, however many waiters there are, and nothing is decided on
 * a state that has since changed.
 */

import { Alarm, type Ticker } from "./ticker.ts";

/** What is settled. */
export interface Unsettled {
  /** Does one thing that can be done now, if there is any. Returns whether there was. */
  settleOne(nowMs: number): boolean;
  /**
   * When time alone brings something next; Infinity: nothing that is not due before. One that is too early does no
   * harm. Null: never, whatever was due before.
   */
  nextDueMs(nowMs: number): number | null;
}

export class Settling {
  readonly #ticker: Ticker;
  readonly #unsettled: Unsettled;
  readonly #alarm: Alarm;
  #underWay = false;

  constructor(ticker: Ticker, unsettled: Unsettled) {
    this.#ticker = ticker;
    this.#unsettled = unsettled;
    this.#alarm = new Alarm((nowMs) => this.run(nowMs));
  }

  /**
   * Does everything that can be done now, and sets the alarm for the rest; called from within, it leaves that to
   * the one that is under way. Throws what a callback throws: the others are served at the next tick.
   */
  run(nowMs: number): void {
    if (this.#underWay) return;
    this.#underWay = true;
    try {
      while (this.#unsettled.settleOne(nowMs));
      const dueMs = this.#unsettled.nextDueMs(nowMs);
      if (dueMs === null) this.#ticker.silence(this.#alarm);
      else this.#ticker.ringBy(this.#alarm, dueMs);
    } catch (error) {
      this.#ticker.ringBy(this.#alarm, nowMs);
      throw error;
    } finally {
      this.#underWay = false;
    }
  }
}
