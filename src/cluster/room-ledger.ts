/**
 * How the clients that a node may have are shared out among its workers: each has a share, within which it lets
 * clients in without asking; one whose share is used up gets what others do not use. The shares never sum up to
 * more than the limit. Pure: who asks whom, and when, is decided elsewhere.
 */

export class RoomLedger {
  readonly #workers: number;
  readonly #shares = new Map<number, number>();
  #max: number;

  /** @param max clients of the node */
  constructor(workers: number, max: number) {
    this.#workers = workers;
    this.#max = max;
  }

  get max(): number {
    return this.#max;
  }

  /** What nobody has. */
  get free(): number {
    let free = this.#max;
    for (const share of this.#shares.values()) free -= share;
    return free;
  }

  shareOf(worker: number): number {
    return this.#shares.get(worker) ?? 0;
  }

  /** A worker has come: returns its share, an equal one if there is so much. */
  admit(worker: number): number {
    this.#shares.delete(worker);
    const share = Math.min(equalShare(this.#max, this.#workers, worker), this.free);
    this.#shares.set(worker, share);
    return share;
  }

  /** The worker is gone, and its clients with it. */
  forget(worker: number): void {
    this.#shares.delete(worker);
  }

  /** Gives `worker` what nobody has, and returns how much that is. Nothing where it has not come. */
  grant(worker: number): number {
    const share = this.#shares.get(worker);
    const { free } = this;
    if (share === undefined) return 0;
    this.#shares.set(worker, share + free);
    return free;
  }

  /** A worker has given back a part of its share. */
  takeBack(worker: number, given: number): void {
    const share = this.shareOf(worker);
    if (share > 0) this.#shares.set(worker, share - Math.min(given, share));
  }

  /** Another limit holds: all get their shares anew. */
  change(max: number): void {
    this.#max = max;
    this.#shares.clear();
  }
}

/** Returns a worker's part where all have as much, or one more. */
function equalShare(max: number, workers: number, worker: number): number {
  return Math.floor(max / workers) + (worker < max % workers ? 1 : 0);
}
