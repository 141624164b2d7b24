/**
 * A worker's part in what all workers of a node know of failed logins: tells of those that failed here, and
 * counts those that failed elsewhere. So an address has as many tries at all workers together as at one.
 */

import type { ControlHandler, SupervisorPort } from "../cluster/control-port.ts";
import type { AddressBans } from "../proxy/login/address-bans.ts";
import type { FailedLogins } from "../proxy/login/login-refusals.ts";
import { BANS, failedBody, rememberedBody } from "./ban-messages.ts";

/** The supervisor answers from memory. */
const CATCH_UP_TIMEOUT_MS = 10_000;

export class SharedBans implements FailedLogins, ControlHandler {
  readonly #bans: AddressBans;
  readonly #supervisor: SupervisorPort;

  /** @param bans of this worker */
  constructor(bans: AddressBans, supervisor: SupervisorPort) {
    this.#bans = bans;
    this.#supervisor = supervisor;
    supervisor.register(BANS, this);
  }

  /**
   * Learns what the node remembers. To be awaited before any client is taken. Rejects if the supervisor is
   * away.
   */
  async catchUp(): Promise<void> {
    await this.#supervisor.request(`${BANS}.all`, null, CATCH_UP_TIMEOUT_MS);
  }

  /** A login failed here. Returns whether the address is banned from now on. */
  failed(tenant: string, address: string): boolean {
    this.#supervisor.notify(`${BANS}.failed`, { tenant, address });
    return this.#bans.failed(tenant, address);
  }

  async onRequest(verb: string): Promise<unknown> {
    throw new Error(`unknown verb ${verb}`);
  }

  onNotice(verb: string, body: unknown): void {
    if (verb === `${BANS}.failed`) this.#onFailed(body);
    if (verb === `${BANS}.remembered`) this.#onRemembered(body);
  }

  /** A login failed at another worker. */
  #onFailed(body: unknown): void {
    const { success, data } = failedBody.safeParse(body);
    if (success) this.#bans.failed(data.tenant, data.address);
  }

  #onRemembered(body: unknown): void {
    const { success, data } = rememberedBody.safeParse(body);
    if (success) for (const address of data) this.#bans.remember(address);
  }
}
