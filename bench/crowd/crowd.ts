/**
 * Very many clients of one process: they log in, stay, and some of them ask something.
 */

import { LatencyHistogram } from "../load/latency-histogram.ts";
import type { LoadReport } from "../load/load-protocol.ts";
import { Login } from "../load/login.ts";
import { SaltedPasswords } from "../load/password-exchange.ts";
import { CrowdClient, type CrowdListener } from "./crowd-client.ts";
import type { CrowdTarget, Members } from "./crowd-protocol.ts";

/** Logins under way at a time: fewer than any accept queue holds, so that none waits for a repeated SYN. */
const LOGINS_AT_ONCE = 64;

/** How often queries that are due are sent. */
const PACE_MS = 2;

export class Crowd implements CrowdListener {
  readonly #saltedPasswords = new SaltedPasswords();
  readonly #onFailed: (error: Error) => void;
  readonly #clients: CrowdClient[] = [];
  /** What a client that becomes ready, or is closed, means now. */
  #onReady: (client: CrowdClient) => void = nothing;
  #onClosed: () => void = nothing;
  /** Whose turn it is. */
  #next = 0;

  /** `onFailed` is told of what makes the run void. */
  constructor(onFailed: (error: Error) => void) {
    this.#onFailed = onFailed;
  }

  onReady(client: CrowdClient): void {
    this.#onReady(client);
  }

  onClosed(): void {
    this.#onClosed();
  }

  onFailed(error: Error): void {
    this.#onFailed(error);
  }

  /** So many more clients log in and stay. Resolves to the seconds it took. */
  async open(members: Members): Promise<number> {
    return await this.#admit(members, (end) => {
      this.#onReady = (client) => {
        this.#clients.push(client);
        end();
      };
    });
  }

  /** So many clients come one after the other, ask one query, and leave. Resolves to the seconds it took. */
  async visit(members: Members): Promise<number> {
    const asked = new Set<CrowdClient>();
    return await this.#admit(members, (end) => {
      this.#onClosed = end;
      this.#onReady = (client) => {
        if (asked.delete(client)) return client.close();
        asked.add(client);
        client.ask(performance.now());
      };
    });
  }

  /** See CrowdOrder `loop`. */
  async loop(seconds: number, inFlight: number): Promise<LoadReport> {
    return await this.#measure(async (histogram, startedMs) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const deadlineMs = startedMs + seconds * 1000;
      let underWay = 0;
      let transactions = 0;
      const ask = (nowMs: number): void => {
        this.#nextReady()?.ask(nowMs);
        underWay += 1;
      };
      this.#onReady = (client) => {
        const nowMs = performance.now();
        histogram.record((nowMs - client.dueMs) * 1000);
        transactions += 1;
        underWay -= 1;
        if (nowMs < deadlineMs) ask(nowMs);
        else if (underWay === 0) resolve();
      };
      const together = Math.min(inFlight, this.#clients.length);
      for (let index = 0; index < together; index += 1) ask(performance.now());
      await promise;
      return transactions;
    });
  }

  /** See CrowdOrder `pace`. */
  async pace(seconds: number, perSecond: number): Promise<LoadReport> {
    return await this.#measure(async (histogram, startedMs) => {
      const total = Math.round(seconds * perSecond);
      const everyMs = 1000 / perSecond;
      const { promise, resolve } = Promise.withResolvers<void>();
      let sent = 0;
      let answered = 0;
      this.#onReady = (client) => {
        histogram.record((performance.now() - client.dueMs) * 1000);
        answered += 1;
        if (answered === total) resolve();
      };
      const timer = setInterval(() => {
        const nowMs = performance.now();
        while (sent < total && startedMs + sent * everyMs <= nowMs) {
          const client = this.#nextReady();
          if (client === null) return; // the query stays due: its wait counts
          client.ask(startedMs + sent * everyMs);
          sent += 1;
        }
      }, PACE_MS);
      await promise;
      clearInterval(timer);
      return total;
    });
  }

  /** Clients begin, so many at a time; `listen` is given what to call for each that is done. */
  async #admit(
    { target, clients, first }: Members,
    listen: (end: () => void) => void,
  ): Promise<number> {
    const beganMs = performance.now();
    const { promise, resolve } = Promise.withResolvers<void>();
    let begun = 0;
    let done = 0;
    const begin = (): void => {
      if (begun === clients) return;
      this.#connect(target, first + begun);
      begun += 1;
    };
    listen(() => {
      done += 1;
      begin();
      if (done === clients) resolve();
    });
    for (let index = 0; index < LOGINS_AT_ONCE; index += 1) begin();
    await promise;
    this.#onReady = nothing;
    this.#onClosed = nothing;
    return (performance.now() - beganMs) / 1000;
  }

  async #measure(
    run: (histogram: LatencyHistogram, startedMs: number) => Promise<number>,
  ): Promise<LoadReport> {
    const histogram = new LatencyHistogram();
    const cpuBefore = process.cpuUsage();
    const startedMs = performance.now();
    const transactions = await run(histogram, startedMs);
    const cpu = process.cpuUsage(cpuBefore);
    this.#onReady = nothing;
    return {
      transactions,
      seconds: (performance.now() - startedMs) / 1000,
      generatorCpuSeconds: (cpu.user + cpu.system) / 1e6,
      latencyCounts: histogram.counts(),
    };
  }

  #connect(target: CrowdTarget, number: number): void {
    const { hosts, port, user, password, databasePrefix, databases } = target;
    const host = hosts[number % hosts.length] ?? "";
    const database = `${databasePrefix}${number % databases}`;
    const login = { host, port, user, password, database };
    new CrowdClient(this)
      .connect(host, port, (write) => new Login(login, this.#saltedPasswords, write, {}))
      .catch((error: unknown) =>
        this.#onFailed(error instanceof Error ? error : new Error(String(error))),
      );
  }

  /** Going round; passes over those who are still waiting for a reply. Null: all are. */
  #nextReady(): CrowdClient | null {
    const count = this.#clients.length;
    for (let tried = 0; tried < count; tried += 1) {
      const client = this.#clients[this.#next % count];
      this.#next = (this.#next + 1) % count;
      if (client?.isReady === true) return client;
    }
    return null;
  }
}

function nothing(): void {}
