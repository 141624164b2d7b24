/**
 * The traffic of all workers of this node, as one: each verb goes to all of them, and their answers are
 * merged. A worker that is being started again has no traffic, so it counts for nothing; when it is back, it
 * asks for what must hold there, too.
 */

import type { z } from "zod";
import type { WorkersHandler, WorkersPort } from "../cluster/control-port.ts";
import type { AddressBan } from "../proxy/login/address-bans.ts";
import { WorkerSilentError } from "./control-errors.ts";
import { mergeStates } from "./merge-states.ts";
import type { EndedTraffic, PauseOutcome, TenantState, Traffic } from "./traffic.ts";
import {
  answerOf,
  bansAnswer,
  endedAnswer,
  nothingAnswer,
  pauseAnswer,
  TRAFFIC,
  tenantStateAnswer,
} from "./traffic-messages.ts";

/** Takes part where addresses are let in again. */
export interface BanLifter {
  lift(externalId: string, addresses: readonly string[]): unknown;
}

/** What a verb may take beyond the time that it was given. A worker answers within milliseconds. */
const ANSWER_TIMEOUT_MS = 5000;

/** A worker that does not answer is not waited for by who has written a tenant: it hears of it all the same. */
const REFRESH_TIMEOUT_MS = 500;

export class NodeTraffic implements Traffic, WorkersHandler {
  readonly #workers: WorkersPort;
  readonly #bans: BanLifter;
  readonly #ready = new Set<number>();
  /** Tenants that are about to be paused. */
  readonly #pausing = new Set<string>();
  readonly #paused = new Set<string>();

  /** @param bans what the supervisor itself remembers */
  constructor(workers: WorkersPort, bans: BanLifter) {
    this.#workers = workers;
    this.#bans = bans;
    workers.register(TRAFFIC, this);
  }

  async state(externalId: string): Promise<TenantState> {
    const states = await this.#askAll("state", { externalId }, tenantStateAnswer);
    return mergeStates(externalId, states);
  }

  async terminate(externalId: string): Promise<EndedTraffic> {
    return sumOf(await this.#askAll("terminate", { externalId }, endedAnswer));
  }

  async pause(externalId: string, timeoutMs: number): Promise<PauseOutcome> {
    this.#pausing.add(externalId);
    try {
      const body = { externalId, timeoutMs };
      const outcomes = await this.#askAll("pause", body, pauseAnswer, timeoutMs);
      const servers = outcomes.reduce((total, outcome) => total + outcome.servers, 0);
      const paused = outcomes.every((outcome) => outcome.paused);
      if (paused) this.#paused.add(externalId);
      else await this.resume(externalId);
      return { paused, servers };
    } catch (error) {
      await this.resume(externalId);
      throw error;
    } finally {
      this.#pausing.delete(externalId);
    }
  }

  async resume(externalId: string): Promise<void> {
    this.#paused.delete(externalId);
    await this.#askAll("resume", { externalId }, nothingAnswer);
  }

  async drain(externalId: string, timeoutMs: number): Promise<EndedTraffic> {
    const body = { externalId, timeoutMs };
    return sumOf(await this.#askAll("drain", body, endedAnswer, timeoutMs));
  }

  async addressBans(externalId: string): Promise<readonly AddressBan[]> {
    return unionOf(await this.#askAll("bans", { externalId }, bansAnswer));
  }

  async liftAddressBans(
    externalId: string,
    addresses: readonly string[],
  ): Promise<readonly AddressBan[]> {
    this.#bans.lift(externalId, addresses);
    return unionOf(await this.#askAll("lift", { externalId, addresses }, bansAnswer));
  }

  async refresh(): Promise<void> {
    const asked = this.#numbers().map((worker) =>
      this.#workers.request(worker, `${TRAFFIC}.refresh`, null, REFRESH_TIMEOUT_MS),
    );
    await Promise.allSettled(asked);
  }

  /** A worker that has just come asks which tenants are paused. */
  async onRequest(worker: number, verb: string): Promise<unknown> {
    if (verb !== `${TRAFFIC}.paused`) throw new Error(`unknown verb ${verb}`);
    const asked = [...this.#paused].map((externalId) => this.#checkPaused(externalId, worker));
    await Promise.all(asked);
    return [...this.#pausing, ...this.#paused];
  }

  onNotice(): void {
    // Workers only ask.
  }

  onWorkerReady(worker: number): void {
    this.#ready.add(worker);
  }

  onWorkerGone(worker: number): void {
    this.#ready.delete(worker);
  }

  /**
   * A pause has an end that nobody says: a tenant that is deleted is paused no more. The others know, but for those that
   * are just being told, as the newcomer is.
   */
  async #checkPaused(externalId: string, newcomer: number): Promise<void> {
    const others = [...this.#ready].filter((worker) => worker !== newcomer);
    const answers = await Promise.allSettled(
      others.map((worker) => this.#ask(worker, "state", { externalId }, tenantStateAnswer, 0)),
    );
    const lendsOn = answers.some((answer) => answer.status === "fulfilled" && !answer.value.paused);
    if (lendsOn) this.#paused.delete(externalId);
  }

  /**
   * Resolves with the answers of the workers that are there. Rejects with what one of them refused it for; with
   * a {@link WorkerSilentError} where one is there and does not answer.
   */
  async #askAll<Answer>(
    verb: string,
    body: object,
    schema: z.ZodType<Answer>,
    timeoutMs = 0,
  ): Promise<readonly Answer[]> {
    const answers = await Promise.all(
      this.#numbers().map(async (worker) => {
        try {
          return [await this.#ask(worker, verb, body, schema, timeoutMs)];
        } catch (error) {
          if (error instanceof WorkerSilentError && !this.#ready.has(worker)) return [];
          throw error;
        }
      }),
    );
    return answers.flat();
  }

  async #ask<Answer>(
    worker: number,
    verb: string,
    body: object,
    schema: z.ZodType<Answer>,
    timeoutMs: number,
  ): Promise<Answer> {
    return answerOf(await this.#request(worker, verb, body, timeoutMs), schema);
  }

  async #request(worker: number, verb: string, body: object, timeoutMs: number): Promise<unknown> {
    const waitMs = timeoutMs + ANSWER_TIMEOUT_MS;
    try {
      return await this.#workers.request(worker, `${TRAFFIC}.${verb}`, body, waitMs);
    } catch (error) {
      throw new WorkerSilentError(worker, error);
    }
  }

  #numbers(): readonly number[] {
    return Array.from({ length: this.#workers.workers }, (_, worker) => worker);
  }
}

function sumOf(ended: readonly EndedTraffic[]): EndedTraffic {
  return {
    clients: ended.reduce((total, { clients }) => total + clients, 0),
    servers: ended.reduce((total, { servers }) => total + servers, 0),
  };
}

/** The latest end counts: a worker may have heard of a ban a moment after another. */
function unionOf(lists: readonly (readonly AddressBan[])[]): readonly AddressBan[] {
  const bans = new Map<string, AddressBan>();
  for (const ban of lists.flat()) {
    const known = bans.get(ban.address);
    if (known === undefined || known.bannedUntilMs < ban.bannedUntilMs) bans.set(ban.address, ban);
  }
  return [...bans.values()];
}
