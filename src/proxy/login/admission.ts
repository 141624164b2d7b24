/**
 * Whether a tenant takes a client at all, before it is asked who it is: bans, encryption, addresses.
 */

import { PoolerError } from "../../base/pooler-error.ts";
import { SQLSTATE } from "../../base/sqlstate.ts";
import type { WallClock } from "../../base/wall-clock.ts";
import type { ChannelOpening } from "../../net/channel-opening.ts";
import { AllowList } from "../../tenants/allow-list.ts";
import type { StoredTenant } from "../../tenants/tenant.ts";
import type { AddressBans } from "./address-bans.ts";

/** The operator has banned the tenant. */
export class TenantBannedError extends PoolerError {
  constructor(reason: string | null) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.invalid_authorization_specification,
      message: `this tenant is banned${reason === null ? "" : `: ${reason}`}`,
    });
  }
}

/** The client's address is not in the tenant's allow list. */
export class AddressNotAllowedError extends PoolerError {
  constructor(address: string) {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.invalid_authorization_specification,
      message: `address ${address} is not in the allow list of this tenant`,
      hint: "Add the address, or a range that contains it, to allow_list of the tenant.",
    });
  }
}

/** The tenant wants TLS. */
export class TlsRequiredError extends PoolerError {
  constructor() {
    super({
      severity: "FATAL",
      sqlstate: SQLSTATE.invalid_authorization_specification,
      message: "this tenant accepts encrypted connections only",
      hint: "Connect with sslmode=require or stronger.",
    });
  }
}

export class Admission {
  readonly #wallClock: WallClock;
  readonly #addressBans: AddressBans;
  /** Compiled once for each record: a changed tenant is another object. */
  readonly #allowLists = new WeakMap<StoredTenant, AllowList>();

  constructor(wallClock: WallClock, addressBans: AddressBans) {
    this.#wallClock = wallClock;
    this.#addressBans = addressBans;
  }

  /** Throws a PoolerError if the tenant does not take this client. */
  check(tenant: StoredTenant, opening: ChannelOpening): void {
    this.checkBan(tenant);
    if (tenant.enforce_ssl && opening.tls === null) throw new TlsRequiredError();
    const list = this.#allowListOf(tenant);
    if (!list.everybody && !list.allows(opening.remoteAddress)) {
      throw new AddressNotAllowedError(opening.remoteAddress);
    }
    this.#addressBans.check(tenant.external_id, opening);
  }

  /** Throws a {@link TenantBannedError} if the tenant is banned now. */
  checkBan(tenant: StoredTenant): void {
    if (this.isBanned(tenant)) throw new TenantBannedError(tenant.ban_reason);
  }

  /** Times of the store and of the clock are ISO 8601 in UTC: they compare as text. */
  isBanned({ banned_at: from, banned_until: until }: StoredTenant): boolean {
    if (from === null) return false;
    const now = this.#wallClock.iso();
    return from <= now && (until === null || now < until);
  }

  #allowListOf(tenant: StoredTenant): AllowList {
    let list = this.#allowLists.get(tenant);
    if (list === undefined) {
      list = new AllowList(tenant.allow_list);
      this.#allowLists.set(tenant, list);
    }
    return list;
  }
}
