/**
 * Clients of an owner that has ended, which come to the next one with their tickets: they have proven who they are,
 * and may go on where that still holds.
 */

import { PoolerError } from "../base/pooler-error.ts";
import { SQLSTATE } from "../base/sqlstate.ts";
import type { Channel } from "../net/channel.ts";
import type { StoredTenant } from "../tenants/tenant.ts";
import type { TenantDirectory } from "../tenants/tenant-directory.ts";
import type { TenantUser } from "../tenants/tenant-user.ts";
import type { Admission } from "./admission.ts";
import { type ClientTicket, decodeTicket, type TicketHolder } from "./client-ticket.ts";
import type { LoginRefusals } from "./login-refusals.ts";
import { ShutdownError, TenantRemovedError, UserRemovedError } from "./proxy-errors.ts";
import { secretOf } from "./user-secrets.ts";

/** The client's ticket is of no use here. */
export class NotTakenOverError extends PoolerError {
  constructor(reason: string) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.admin_shutdown,
      message: "terminating connection because a process of the connection pooler has ended",
      detail: "No query of this connection was under way.",
      hint: "Connect again.",
      logText: `a client was not taken over: ${reason}`,
    });
  }
}

/** Who takes the clients that may go on. What it throws, the client is told. */
export interface TakeoverHost {
  readonly stopping: boolean;
  takeOver(channel: Channel, ticket: ClientTicket, tenant: StoredTenant, user: TenantUser): void;
}

export interface ClientTakeoversParts {
  readonly directory: Pick<TenantDirectory, "peek" | "lookup">;
  readonly admission: Pick<Admission, "checkBan">;
}

export class ClientTakeovers {
  readonly #parts: ClientTakeoversParts;
  readonly #host: TakeoverHost;
  readonly #refusals: Pick<LoginRefusals, "refuse">;

  constructor(
    parts: ClientTakeoversParts,
    host: TakeoverHost,
    refusals: Pick<LoginRefusals, "refuse">,
  ) {
    this.#parts = parts;
    this.#host = host;
    this.#refusals = refusals;
  }

  /** All that follows on `channel` is for us. */
  open(channel: Channel, text: string): void {
    const ticket = decodeTicket(text);
    if (ticket === null)
      return this.#refusals.refuse(channel, NOBODY, new NotTakenOverError("unknown ticket"));
    const tenant = this.#parts.directory.peek(ticket.tenant);
    if (tenant === undefined) void this.#openLater(channel, ticket);
    else this.#takeOver(channel, ticket, tenant);
  }

  async #openLater(channel: Channel, ticket: ClientTicket): Promise<void> {
    channel.pause();
    try {
      const tenant = await this.#parts.directory.lookup(ticket.tenant);
      if (!channel.closed) this.#takeOver(channel, ticket, tenant);
    } catch (error) {
      this.#refusals.refuse(channel, ticket, error);
    }
  }

  #takeOver(channel: Channel, ticket: ClientTicket, tenant: StoredTenant | null): void {
    try {
      if (this.#host.stopping) throw new ShutdownError();
      if (tenant === null || tenant.id !== ticket.record) throw new TenantRemovedError();
      this.#parts.admission.checkBan(tenant);
      const user = tenant.users.find((each) => each.db_user_alias === ticket.alias);
      if (user === undefined) throw new UserRemovedError();
      if (user.db_user !== ticket.role || ticketHolder(tenant, user, ticket.database) === null)
        throw new NotTakenOverError("its servers are opened in another way by now");
      this.#host.takeOver(channel, ticket, tenant, user);
    } catch (error) {
      this.#refusals.refuse(channel, ticket, error);
    }
  }
}

const NOBODY = { tenant: null };

/**
 * Returns whose ticket a client of a pool in transaction mode gets; null: its servers are opened by what only its
 * login has brought.
 */
export function ticketHolder(
  tenant: StoredTenant,
  user: TenantUser,
  database: string,
): TicketHolder | null {
  if (!tenant.require_user || user.mode_type === "native") return null;
  const kind = secretOf(user.db_password)?.kind;
  if (kind !== "plaintext" && kind !== "md5") return null;
  const { external_id, id } = tenant;
  return {
    tenant: external_id,
    record: id,
    alias: user.db_user_alias,
    role: user.db_user,
    database,
  };
}
