/**
 * What a client is told that is not let in, and what is kept of it: a count, the tenant's last errors, a line of
 * the log, and the failures by which addresses are banned.
 */

import type { Logger } from "../../base/logger.ts";
import { PoolerError } from "../../base/pooler-error.ts";
import { SQLSTATE, type SqlState } from "../../base/sqlstate.ts";
import type { Channel } from "../../net/channel.ts";
import type { ChannelOpening } from "../../net/channel-opening.ts";
import { errorResponseOf } from "../../wire/backend/error-response.ts";
import type { LastErrors } from "../last-errors.ts";
import type { PoolerCounters } from "../pooler-counters.ts";
import { InternalError } from "../proxy-errors.ts";
import type { ClientProof } from "./client-authentication.ts";

/** Hears of logins by which nobody could prove who it is. */
export interface FailedLogins {
  /** Returns whether the address is banned from the tenant from now on. */
  failed(tenant: string, address: string): boolean;
}

export interface LoginRefusalsParts {
  readonly failedLogins: FailedLogins;
  readonly counters: PoolerCounters;
  readonly lastErrors: LastErrors;
  readonly logger: Logger;
}

export class LoginRefusals {
  readonly #parts: LoginRefusalsParts;
  readonly #onFault: (error: PoolerError) => void;

  /** @param onFault hears of bugs of ours */
  constructor(parts: LoginRefusalsParts, onFault: (error: PoolerError) => void) {
    this.#parts = parts;
    this.#onFault = onFault;
  }

  /** Tells the client and closes it. What is no PoolerError is a bug of ours. */
  refuse(channel: Channel, { tenant }: Pick<ChannelOpening, "tenant">, thrown: unknown): void {
    const error = thrown instanceof PoolerError ? thrown : new InternalError(thrown);
    const message = errorResponseOf(error);
    channel.write(message, 0, message.length);
    channel.close();
    const { counters, lastErrors } = this.#parts;
    counters.clientLoginFailuresTotal += 1;
    if (tenant !== null) lastErrors.note(tenant, "client", error);
    if (error instanceof InternalError) this.#onFault(error);
  }

  /** As {@link refuse}, for a client that hears first that its password was right. */
  refuseProven(
    channel: Channel,
    opening: ChannelOpening,
    thrown: unknown,
    { saslFinal }: ClientProof,
  ): void {
    if (saslFinal !== null) channel.write(saslFinal, 0, saslFinal.length);
    this.refuse(channel, opening, thrown);
  }

  /** The client could not prove who it is, and has been told. */
  noteFailure(opening: ChannelOpening, error: PoolerError): void {
    const { counters, logger, lastErrors } = this.#parts;
    counters.clientLoginFailuresTotal += 1;
    if (opening.tenant !== null) lastErrors.note(opening.tenant, "client", error);
    logger.info(
      { tenant: opening.tenant, client: opening.remoteAddress, sqlstate: error.sqlstate },
      `login refused: ${error.logText}`,
    );
    this.noteProof(opening, error.sqlstate);
  }

  /** Only who could not prove who it is counts, by PostgreSQL's judgement or by ours. */
  noteProof({ tenant, remoteAddress }: ChannelOpening, sqlstate: SqlState | null): void {
    if (tenant === null || sqlstate !== SQLSTATE.invalid_password) return;
    if (this.#parts.failedLogins.failed(tenant, remoteAddress))
      this.#parts.logger.info(
        { tenant, client: remoteAddress },
        "the address is banned from the tenant for a while: too many of its logins failed",
      );
  }
}
