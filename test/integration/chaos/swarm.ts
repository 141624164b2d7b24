/**
 * Many clients that ask for their own tags without a pause, and the judge of what they get: every
 * answer belongs to its asker, is whole and in order, and nobody is cancelled but who was meant.
 */

import { type TaggedRequest, TaggedRequests } from "./tagged-requests.ts";
import { ConnectionLostError, WireClient, type WireReply, type WireTarget } from "./wire-client.ts";

/** What has happened so far. */
export class SwarmCounts {
  queries = 0;
  logins = 0;
  /** Requests that a cancel of ours hit. */
  cancelled = 0;
  /** Clients that lost their server. */
  serversLost = 0;
  /** Clients that vanished on purpose. */
  vanished = 0;
  /** Losses that whoever runs the swarm had an explanation for. */
  excused = 0;
  /** The longest that anybody waited for anything. */
  slowestMs = 0;
}

/** A client has lost its connection, or has got none, and no SQLSTATE of {@link LOST_SQLSTATES} explains it. */
export interface Loss {
  readonly error: unknown;
  /** Null: it was about to log in. */
  readonly client: WireClient | null;
  /** When it began what it was about. */
  readonly sinceMs: number;
}

/** How a client may lose its connection: its server was terminated, and either side says so. */
const LOST_SQLSTATES: ReadonlySet<string> = new Set(["57P01", "08006"]);

/** What may answer a request that a cancel hit: itself, a name whose Parse it hit, the rest of a transaction. */
const CANCELLED_SQLSTATES: ReadonlySet<string> = new Set(["57014", "26000", "25P02"]);

const CANCELED_BY_USER = "canceling statement due to user request";

/** More violations tell nothing new. */
const VIOLATIONS_MAX = 20;

export class Swarm {
  readonly counts = new SwarmCounts();
  readonly violations: string[] = [];
  readonly #askers: readonly Asker[];
  /** The mean of a client's pause between two transactions. */
  readonly thinkMs: number;
  readonly #excuses: (loss: Loss) => boolean;
  #stopping = false;

  constructor(
    target: WireTarget,
    clients: number,
    random: () => number,
    thinkMs = 0,
    excuses: (loss: Loss) => boolean = () => false,
  ) {
    this.thinkMs = thinkMs;
    this.#excuses = excuses;
    this.#askers = Array.from(
      { length: clients },
      (_, index) => new Asker(index, target, random, this),
    );
  }

  get stopping(): boolean {
    return this.#stopping || this.violations.length >= VIOLATIONS_MAX;
  }

  /** Runs until {@link stop}. */
  async run(): Promise<void> {
    await Promise.all(this.#askers.map((asker) => asker.run()));
  }

  /** Each client ends when its transaction is over. */
  stop(): void {
    this.#stopping = true;
  }

  /** Those that have waited for so long for an answer, or for their login, and wait still. */
  waitingSince(limitMs: number): readonly string[] {
    const beforeMs = performance.now() - limitMs;
    return this.#askers.map((asker) => asker.waitsSince(beforeMs)).filter((what) => what !== null);
  }

  /** Returns one of the clients. */
  pick(random: () => number): Asker {
    const asker = this.#askers[Math.floor(random() * this.#askers.length)];
    if (asker === undefined) throw new Error("a swarm has clients");
    return asker;
  }

  /** Returns whether somebody has an explanation for it. */
  excuse(loss: Loss): boolean {
    const isExcused = this.#excuses(loss);
    if (isExcused) this.counts.excused += 1;
    return isExcused;
  }

  /** Somebody has waited for something since then. */
  waited(sinceMs: number): void {
    this.counts.slowestMs = Math.max(this.counts.slowestMs, performance.now() - sinceMs);
  }

  violate(what: string): void {
    if (this.violations.length < VIOLATIONS_MAX) this.violations.push(what);
  }
}

export class Asker {
  readonly #index: number;
  readonly #target: WireTarget;
  readonly #random: () => number;
  readonly #swarm: Swarm;
  #client: WireClient | null = null;
  #requests: TaggedRequests;
  #turn = 0;
  #sinceMs = 0;
  #vanishing = false;
  #cancelsUnderWay = 0;
  /** A cancel was under way at some time of the present transaction. */
  #mayBeCancelled = false;

  constructor(index: number, target: WireTarget, random: () => number, swarm: Swarm) {
    this.#index = index;
    this.#target = target;
    this.#random = random;
    this.#swarm = swarm;
    this.#requests = new TaggedRequests(random);
  }

  async run(): Promise<void> {
    const { thinkMs } = this.#swarm;
    while (!this.#swarm.stopping) {
      // oxlint-disable-next-line no-await-in-loop -- one transaction after the other
      await this.#transact();
      // oxlint-disable-next-line no-await-in-loop -- the pace
      if (thinkMs > 0) await Bun.sleep(2 * thinkMs * this.#random());
    }
    this.#client?.vanish();
  }

  /** What it has waited for since a time, in words; null: for nothing. */
  waitsSince(beforeMs: number): string | null {
    if (this.#sinceMs > beforeMs) return null;
    if (this.#client === null) return `client ${this.#index} logs in`;
    return this.#client.busy ? `client ${this.#index} awaits an answer` : null;
  }

  /** The public half of its cancel key. */
  get processId(): number | null {
    return this.#client?.processId ?? null;
  }

  /** Is gone in the middle of whatever it does, and comes back. */
  vanish(): void {
    if (this.#client === null || this.#client.closed) return;
    this.#vanishing = true;
    this.#swarm.counts.vanished += 1;
    this.#client.vanish();
  }

  /** Has whatever this client runs cancelled. */
  async cancel(): Promise<void> {
    const client = this.#client;
    if (client === null || client.closed) return;
    this.#mayBeCancelled = true;
    this.#cancelsUnderWay += 1;
    try {
      await client.cancel();
    } finally {
      this.#cancelsUnderWay -= 1;
    }
  }

  async #transact(): Promise<void> {
    this.#turn += 1;
    this.#mayBeCancelled = this.#cancelsUnderWay > 0;
    const tag = `${this.#index}-${this.#turn}-${Math.floor(this.#random() * 2 ** 32).toString(36)}`;
    try {
      const client = await this.#connected();
      const requests = this.#requests.next(tag);
      // oxlint-disable-next-line no-await-in-loop -- one request after the other
      for (const request of requests) if (!(await this.#ask(client, request))) return;
    } catch (error) {
      this.#onLost(error);
    }
  }

  async #connected(): Promise<WireClient> {
    if (this.#client !== null) return this.#client;
    this.#sinceMs = performance.now();
    this.#client = await WireClient.connect(this.#target);
    this.#swarm.waited(this.#sinceMs);
    this.#swarm.counts.logins += 1;
    this.#requests = new TaggedRequests(this.#random);
    return this.#client;
  }

  /** Returns false where the rest of the transaction has no sense any more. */
  async #ask(client: WireClient, request: TaggedRequest): Promise<boolean> {
    this.#sinceMs = performance.now();
    const reply = await client.exchange(request.bytes, request.readies);
    this.#swarm.waited(this.#sinceMs);
    this.#swarm.counts.queries += request.queries;
    if (isAsExpected(request, reply)) return true;
    if (this.#mayBeCancelled && isCancelled(request, reply)) {
      this.#swarm.counts.cancelled += 1;
      this.#requests.forgetPrepared();
      await client.exchange(this.#requests.rollback(), 1);
      return false;
    }
    this.#swarm.violate(`client ${this.#index}: ${describe(request, reply)}`);
    this.#requests.forgetPrepared();
    await client.exchange(this.#requests.rollback(), 1);
    return false;
  }

  #onLost(error: unknown): void {
    const client = this.#client;
    this.#client = null;
    this.#swarm.waited(this.#sinceMs);
    if (this.#vanishing) {
      this.#vanishing = false;
      return;
    }
    if (error instanceof ConnectionLostError && LOST_SQLSTATES.has(error.said?.sqlstate ?? ""))
      this.#swarm.counts.serversLost += 1;
    else if (!this.#swarm.excuse({ error, client, sinceMs: this.#sinceMs }))
      this.#swarm.violate(
        `client ${this.#index} ${client === null ? "could not log in" : "lost its connection"}: ${String(error)}`,
      );
  }
}

function isAsExpected(request: TaggedRequest, reply: WireReply): boolean {
  if (reply.values.length !== request.values.length) return false;
  if (reply.errors.length !== request.sqlstates.length) return false;
  for (const [index, value] of request.values.entries())
    if (reply.values[index] !== value) return false;
  return request.sqlstates.every((sqlstate, index) => reply.errors[index]?.sqlstate === sqlstate);
}

/** Whether a cancel explains the reply: what did come is the asker's own, and an error says what is missing. */
function isCancelled(request: TaggedRequest, reply: WireReply): boolean {
  return (
    reply.errors.some(({ message }) => message === CANCELED_BY_USER) &&
    reply.errors.every(
      ({ sqlstate }) => CANCELLED_SQLSTATES.has(sqlstate) || request.sqlstates.includes(sqlstate),
    ) &&
    isSubsequence(reply.values, request.values)
  );
}

/** Whether `part` is `whole` with some left out. */
function isSubsequence(part: readonly string[], whole: readonly string[]): boolean {
  let at = 0;
  for (const value of whole) if (at < part.length && part[at] === value) at += 1;
  return at === part.length;
}

function describe(request: TaggedRequest, reply: WireReply): string {
  const sent = Buffer.from(request.bytes)
    .toString("latin1")
    .replaceAll(/[^ -~]+/g, " ");
  return JSON.stringify({
    sent: sent.slice(0, 200),
    expected: [request.values.slice(0, 12), request.sqlstates],
    received: [reply.values.slice(0, 12), reply.errors],
  });
}
