/**
 * Finds the clients that are gone without a word: a machine that lost its power, a network that lost its state.
 *
 * The clients of one interval stand on a wheel that turns five times in it. Who has sent nothing for so
 * long is beaten: it is told something that it knows, or its machine is asked. Whose machine has not
 * answered three turns later is given up: at the latest two intervals after it was there for the last time
 * (three seconds, where the interval is one). A client that is busy costs nothing but the 0 that it writes; one that is idle is looked at once a turn.
 *
 *   turns since it was heard   1  2  3  4  5  6       7  8          9
 *                                             beaten     answered?  given up, if not
 */

import { Alarm, type Ticker } from "../../pool/ticker.ts";

export interface BeatingClient {
  /** Turns since the client was heard: it writes 0 with whatever it sends. Else written here. */
  quietTurns: number;
  /** Where it stands. Written here. */
  spoke: Spoke | null;
  /** The interval as it is now; 0: it is not looked after. */
  readonly heartbeatSeconds: number;
  /** As {@link Channel.askUnanswered}. */
  askUnanswered(onAnswer: (unansweredMs: number | null) => void): void;
  /**
   * Has its machine answer something.
   * @param silentSeconds if that is done by probes: after how much silence
   */
  beat(silentSeconds: number): void;
  /** It is gone. Ends its connection. */
  lose(): void;
}

/** Those that are looked at together. */
export type Spoke = Set<BeatingClient>;

const TURNS = 5;
/** An idle client is beaten between one and 1.2 intervals after its last word, and one interval after each beat. */
const BEAT_TURN = TURNS + 1;
/** Asked twice, since a machine that takes no data for now may be asked just then and be about to answer. */
const DOUBT_TURN = BEAT_TURN + 2;
const LOSS_TURN = BEAT_TURN + 3;
/** What answered the beat did so less than four turns ago; what did not was heard at least seven ago. */
const UNANSWERED_TURNS = 5;
/**
 * Linux answers probes of a window that is closed every 500 ms at most (tcp_invalid_ratelimit), and the first ones
 * come at 200, 600 and 1400 ms: until then who lives and reads nothing looks as if it were gone.
 */
const UNANSWERED_MS_MIN = 2000;

/** Nobody is beaten on this wheel, but who is to be from now on is found so. */
const OFF_TURN_MS = 10_000;

/** Beats of many clients are spread over the turn. */
const SPOKES_MAX = 16;
/** The ticker rings no finer. */
const STEP_MS_MIN = 100;

export class Heartbeats implements WheelOwner {
  readonly ticker: Ticker;
  readonly #onLost: (client: BeatingClient) => void;
  readonly #wheels = new Map<number, Wheel>();

  /** @param onLost told of each client that is given up, before it ends */
  constructor(ticker: Ticker, onLost: (client: BeatingClient) => void) {
    this.ticker = ticker;
    this.#onLost = onLost;
  }

  /** Looks after the client from now on. */
  join(client: BeatingClient): void {
    const seconds = client.heartbeatSeconds;
    let wheel = this.#wheels.get(seconds);
    if (wheel === undefined) {
      wheel = new Wheel(seconds, this);
      this.#wheels.set(seconds, wheel);
    }
    wheel.add(client);
  }

  /** The client ends. A no-op for one that is not looked after. */
  leave(client: BeatingClient): void {
    client.spoke?.delete(client);
    client.spoke = null;
  }

  look(client: BeatingClient, wheel: Wheel): void {
    client.quietTurns += 1;
    if (client.heartbeatSeconds !== wheel.seconds) return this.#move(client);
    if (wheel.seconds === 0 || client.quietTurns < BEAT_TURN) return;
    if (client.quietTurns === BEAT_TURN) client.beat(wheel.silentSeconds);
    else if (client.quietTurns >= DOUBT_TURN) this.#ask(client, wheel);
  }

  onEmpty(wheel: Wheel): void {
    this.#wheels.delete(wheel.seconds);
  }

  #ask(client: BeatingClient, wheel: Wheel): void {
    client.askUnanswered((unansweredMs) => {
      const hasSpoken = client.spoke === null || client.quietTurns < DOUBT_TURN;
      if (!hasSpoken) this.#judge(client, wheel, unansweredMs ?? 0);
    });
  }

  #judge(client: BeatingClient, { turnMs }: Wheel, unansweredMs: number): void {
    const silenceMs = Math.max(UNANSWERED_TURNS * turnMs, UNANSWERED_MS_MIN);
    if (unansweredMs < silenceMs) client.quietTurns -= TURNS;
    else if (client.quietTurns >= LOSS_TURN) this.#lose(client);
  }

  #move(client: BeatingClient): void {
    this.leave(client);
    client.quietTurns = 0;
    this.join(client);
  }

  #lose(client: BeatingClient): void {
    this.leave(client);
    this.#onLost(client);
    client.lose();
  }
}

/** Who has wheels. */
interface WheelOwner {
  readonly ticker: Ticker;
  look(client: BeatingClient, wheel: Wheel): void;
  /** Nobody stands on it any more, and it has stopped. */
  onEmpty(wheel: Wheel): void;
}

class Wheel {
  readonly seconds: number;
  readonly turnMs: number;
  readonly silentSeconds: number;
  readonly #owner: WheelOwner;
  readonly #alarm = new Alarm((nowMs) => this.#onRing(nowMs));
  readonly #spokes: readonly Spoke[];
  readonly #stepMs: number;
  #next = 0;
  #nextAtMs = 0;
  #joined = 0;

  constructor(seconds: number, owner: WheelOwner) {
    this.seconds = seconds;
    this.turnMs = seconds === 0 ? OFF_TURN_MS : (seconds * 1000) / TURNS;
    this.silentSeconds = Math.max(1, Math.floor(this.turnMs / 1000));
    this.#owner = owner;
    const spokes = Math.min(SPOKES_MAX, Math.floor(this.turnMs / STEP_MS_MIN));
    this.#spokes = Array.from({ length: spokes }, () => new Set<BeatingClient>());
    this.#stepMs = this.turnMs / spokes;
  }

  /** Clients in the order of their coming take the spokes in turn. */
  add(client: BeatingClient): void {
    this.#joined += 1;
    client.spoke = this.#spokes[this.#joined % this.#spokes.length] ?? null;
    client.spoke?.add(client);
    if (this.#alarm.atMs === Number.POSITIVE_INFINITY) this.#ringAt(this.#owner.ticker.nowMs);
  }

  /** A process that stood still for a while does not make up for it: nobody could have answered meanwhile. */
  #onRing(nowMs: number): void {
    const spoke = this.#spokes[this.#next];
    this.#next = (this.#next + 1) % this.#spokes.length;
    for (const client of spoke ?? []) this.#owner.look(client, this);
    if (this.#spokes.some(({ size }) => size > 0))
      this.#ringAt(Math.max(this.#nextAtMs, nowMs - this.#stepMs));
    else this.#owner.onEmpty(this);
  }

  #ringAt(lastAtMs: number): void {
    this.#nextAtMs = lastAtMs + this.#stepMs;
    this.#owner.ticker.ringBy(this.#alarm, this.#nextAtMs);
  }
}
