/**
 * Clients of an owner that has ended, which come to the next one with their tickets: they have proven who they are,
 * and may go on where that still holds.
 */

import type { Channel } from "../../net/channel.ts";
import type { ChannelOpening } from "../../net/channel-opening.ts";
import type { StoredTenant } from "../../tenants/tenant.ts";
import type { TenantDirectory } from "../../tenants/tenant-directory.ts";
import type { Admission } from "../login/admission.ts";
import type { ClientProof } from "../login/client-authentication.ts";
import type { Login } from "../login/login.ts";
import type { LoginRefusals } from "../login/login-refusals.ts";
import { databaseOf } from "../login/opening-parameters.ts";
import { ShutdownError, TenantRemovedError } from "../proxy-errors.ts";
import { type ClientTicket, decodeTicket, type TicketHolder } from "./client-ticket.ts";
import { NotTakenOverError, type TicketLogin, type TicketLogins } from "./ticket-logins.ts";
import { ticketProof } from "./ticket-proof.ts";

/** Who takes the clients that may go on. What it throws, the client is told. */
export interface TakeoverHost {
  readonly stopping: boolean;
  /** The login is by the tenant's record of now. */
  takeOver(channel: Channel, ticket: ClientTicket, login: TicketLogin): void;
}

export interface ClientTakeoversParts {
  readonly directory: Pick<TenantDirectory, "peek" | "lookup">;
  readonly admission: Pick<Admission, "checkBan">;
}

/** So often a login is looked for anew whose tenant's record was changed meanwhile. */
const ATTEMPTS_MAX = 3;

export class ClientTakeovers {
  readonly #parts: ClientTakeoversParts;
  readonly #logins: Pick<TicketLogins, "loginOf">;
  readonly #host: TakeoverHost;
  readonly #refusals: Pick<LoginRefusals, "refuse">;

  constructor(
    parts: ClientTakeoversParts,
    logins: Pick<TicketLogins, "loginOf">,
    host: TakeoverHost,
    refusals: Pick<LoginRefusals, "refuse">,
  ) {
    this.#parts = parts;
    this.#logins = logins;
    this.#host = host;
    this.#refusals = refusals;
  }

  /** All that follows on `channel` is for us. */
  open(channel: Channel, text: string): void {
    const ticket = decodeTicket(text);
    if (ticket === null)
      return this.#refusals.refuse(channel, NOBODY, new NotTakenOverError("unknown ticket"));
    try {
      const tenant = this.#parts.directory.peek(ticket.tenant);
      const login = tenant === undefined ? null : this.#loginBy(ticket, tenant);
      if (login instanceof Promise) void this.#openLater(channel, ticket, login);
      else if (login === null) void this.#openLater(channel, ticket, this.#lookUp(ticket));
      else this.#host.takeOver(channel, ticket, login);
    } catch (error) {
      this.#refusals.refuse(channel, ticket, error);
    }
  }

  async #openLater(
    channel: Channel,
    ticket: ClientTicket,
    asked: Promise<TicketLogin>,
  ): Promise<void> {
    channel.pause();
    try {
      const login = await this.#currentLogin(ticket, asked);
      if (!channel.closed) this.#host.takeOver(channel, ticket, login);
    } catch (error) {
      if (!channel.closed) this.#refusals.refuse(channel, ticket, error);
    }
  }

  async #lookUp(ticket: ClientTicket): Promise<TicketLogin> {
    return this.#loginBy(ticket, await this.#parts.directory.lookup(ticket.tenant));
  }

  /** While somebody was asked about the login, the tenant may have been banned, or its record become another one. */
  async #currentLogin(ticket: ClientTicket, first: Promise<TicketLogin>): Promise<TicketLogin> {
    let asked = first;
    for (let attempt = 1; ; attempt += 1) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const found = await asked;
      const { tenant } = found.login;
      this.#expectOpen(ticket, tenant);
      if (this.#parts.directory.peek(ticket.tenant) === tenant) return found;
      if (attempt === ATTEMPTS_MAX) throw new NotTakenOverError("its tenant changes all the time");
      asked = this.#lookUp(ticket);
    }
  }

  #loginBy(ticket: ClientTicket, tenant: StoredTenant | null): TicketLogin | Promise<TicketLogin> {
    this.#expectOpen(ticket, tenant);
    return this.#logins.loginOf(ticket, tenant);
  }

  #expectOpen(ticket: ClientTicket, tenant: StoredTenant | null): asserts tenant is StoredTenant {
    if (this.#host.stopping) throw new ShutdownError();
    if (tenant === null || tenant.id !== ticket.record) throw new TenantRemovedError();
    this.#parts.admission.checkBan(tenant);
  }
}

const NOBODY = { tenant: null };

/**
 * Returns whose ticket a client of a pool in transaction mode gets; null: by what it has proven, no other owner could
 * open servers.
 */
export function ticketHolder(
  login: Login,
  proven: Pick<ClientProof, "secret" | "keys">,
  opening: Pick<ChannelOpening, "parameters" | "remoteAddress">,
): TicketHolder | null {
  const { tenant, user } = login;
  const proof = ticketProof(login, proven, opening.remoteAddress);
  if (proof === null || user.mode_type === "native") return null;
  const { external_id, id } = tenant;
  return {
    tenant: external_id,
    record: id,
    alias: user.db_user_alias,
    role: user.db_user,
    database: databaseOf(opening, tenant),
    proof,
  };
}
