/**
 * A worker's side of the traffic verbs: does what the supervisor says with what runs here.
 */

import type { ControlHandler, SupervisorPort } from "../cluster/control-port.ts";
import type { Traffic } from "./traffic.ts";
import {
  addressesBody,
  outcomeOf,
  pausedAnswer,
  TRAFFIC,
  tenantBody,
  timedBody,
} from "./traffic-messages.ts";

/** The supervisor answers from memory. */
const CATCH_UP_TIMEOUT_MS = 10_000;

export class TrafficHandler implements ControlHandler {
  readonly #traffic: Traffic;
  readonly #supervisor: SupervisorPort;

  /** @param traffic of this worker */
  constructor(traffic: Traffic, supervisor: SupervisorPort) {
    this.#traffic = traffic;
    this.#supervisor = supervisor;
    supervisor.register(TRAFFIC, this);
  }

  /** Pauses what the node has paused. To be awaited before any client is taken. Rejects if the supervisor is away. */
  async catchUp(): Promise<void> {
    const answer = await this.#supervisor.request(`${TRAFFIC}.paused`, null, CATCH_UP_TIMEOUT_MS);
    const asked = pausedAnswer.parse(answer).map(async (externalId) => {
      await outcomeOf(externalId, this.#traffic.pause(externalId, CATCH_UP_TIMEOUT_MS));
    });
    await Promise.all(asked);
  }

  /** Rejects where the verb or its body is none of ours: another version speaks. */
  async onRequest(verb: string, body: unknown): Promise<unknown> {
    const traffic = this.#traffic;
    switch (verb) {
      case `${TRAFFIC}.state`:
        return forTenant(body, (externalId) => traffic.state(externalId));
      case `${TRAFFIC}.terminate`:
        return forTenant(body, (externalId) => traffic.terminate(externalId));
      case `${TRAFFIC}.resume`:
        return forTenant(body, (externalId) => traffic.resume(externalId));
      case `${TRAFFIC}.pause`:
        return inTime(body, (externalId, timeoutMs) => traffic.pause(externalId, timeoutMs));
      case `${TRAFFIC}.drain`:
        return inTime(body, (externalId, timeoutMs) => traffic.drain(externalId, timeoutMs));
      case `${TRAFFIC}.bans`:
        return forTenant(body, (externalId) => traffic.addressBans(externalId));
      case `${TRAFFIC}.lift`:
        return this.#lift(body);
      case `${TRAFFIC}.refresh`:
        return traffic.refresh().then(() => null);
      default:
        throw new Error(`unknown verb ${verb}`);
    }
  }

  onNotice(): void {
    // All verbs of traffic are requests.
  }

  #lift(body: unknown): Promise<unknown> {
    const { externalId, addresses } = addressesBody.parse(body);
    return outcomeOf(externalId, this.#traffic.liftAddressBans(externalId, addresses));
  }
}

function forTenant(
  body: unknown,
  verb: (externalId: string) => Promise<unknown>,
): Promise<unknown> {
  const { externalId } = tenantBody.parse(body);
  return outcomeOf(externalId, verb(externalId));
}

function inTime(
  body: unknown,
  verb: (externalId: string, timeoutMs: number) => Promise<unknown>,
): Promise<unknown> {
  const { externalId, timeoutMs } = timedBody.parse(body);
  return outcomeOf(externalId, verb(externalId, timeoutMs));
}
